import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { Line, LongText } from '../wire.ts'

export const AzureInstanceIdentityToken = Type.Object(
  {
    signature: LongText({ rules: ['required'], description: "The machine's attested document: PKCS#7 in Base64." }),
    encoding: Line({ rules: ['required'], description: '`pkcs7`.' }),
  },
  { title: 'AzureInstanceIdentityToken', examples: [{ signature: 'MIIKWQYJKoZIhvcNAQcCoIIKSjCCCkYCAQEx', encoding: 'pkcs7' }] },
)
export type AzureInstanceIdentityToken = Static<typeof AzureInstanceIdentityToken>

export const AWSInstanceIdentityToken = Type.Object(
  {
    signature: LongText({ rules: ['required'], description: 'RSA signature (SHA-256) of the document, in Base64.' }),
    document: LongText({ rules: ['required'], description: "The machine's identity document, byte for byte." }),
  },
  { title: 'AWSInstanceIdentityToken', examples: [{ signature: 'c2lnbmF0dXJl', document: '{"instanceId":"i-0123456789abcdef0"}' }] },
)
export type AWSInstanceIdentityToken = Static<typeof AWSInstanceIdentityToken>

export const GoogleInstanceIdentityToken = Type.Object(
  { json_web_token: LongText({ rules: ['required'], description: "The machine's identity token, in the `full` format." }) },
  { title: 'GoogleInstanceIdentityToken', examples: [{ json_web_token: 'eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl' }] },
)
export type GoogleInstanceIdentityToken = Static<typeof GoogleInstanceIdentityToken>

export const WorkspaceAgentAuthenticateResponse = Type.Object(
  { session_token: Type.String({ description: "The agent's token." }) },
  { title: 'WorkspaceAgentAuthenticateResponse', examples: [{ session_token: '5b1f7f0e-6d5f-4f6e-9f3a-0f3c1c1d2e4b' }] },
)
export type WorkspaceAgentAuthenticateResponse = Static<typeof WorkspaceAgentAuthenticateResponse>

const shared = {
  method: 'POST',
  access: 'anyone',
  status: 200,
  response: WorkspaceAgentAuthenticateResponse,
  failures: [
    'invalid_json',
    'validation_failed',
    'invalid_instance_identity',
    'agent_not_of_workspace',
    'agent_outdated',
    'instance_identity_refused',
    'instance_identity_disabled',
    'agent_not_found',
  ],
} as const

const description =
  'The machine proves its identity and receives the token of its agent. Works only for clouds that the deployment accepts.'

export const instanceIdentity = {
  azure: endpoint({
    ...shared,
    path: '/workspaceagents/azure-instance-identity',
    summary: 'Get the agent token for an Azure machine.',
    description,
    body: AzureInstanceIdentityToken,
  }),
  aws: endpoint({
    ...shared,
    path: '/workspaceagents/aws-instance-identity',
    summary: 'Get the agent token for an AWS machine.',
    description,
    body: AWSInstanceIdentityToken,
  }),
  google: endpoint({
    ...shared,
    path: '/workspaceagents/google-instance-identity',
    summary: 'Get the agent token for a Google Cloud machine.',
    description,
    body: GoogleInstanceIdentityToken,
  }),
}
