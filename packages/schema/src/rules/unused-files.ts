/** How long an uploaded file that no template version uses stays after its last upload. */
export const unusedFileDays = 7
