-- To tell which files no job uses, and how many of them a user has.
create index provisioner_jobs_file on provisioner_jobs (file_id);
create index files_created_by on files (created_by);
create index files_created_at on files (created_at);
