import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'

export const AzureInstanceIdentityToken = Type.Object(
  {
    signature: Type.String({ rules: ['required'], description: 'The attested document of the machine: PKCS#7 in Base64.' }),
    encoding: Type.String({ rules: ['required'], description: '`pkcs7`.' }),
  },
  { title: 'AzureInstanceIdentityToken', examples: [{ signature: 'MIIKWQYJKoZIhvcNAQcCoIIKSjCCCkYCAQEx', encoding: 'pkcs7' }] },
)
export type AzureInstanceIdentityToken = Static<typeof AzureInstanceIdentityToken>

export const AWSInstanceIdentityToken = Type.Object(
  {
    signature: Type.String({ rules: ['required'], description: 'RSA signature with SHA-256 of the document, in Base64.' }),
    document: Type.String({ rules: ['required'], description: 'The identity document of the machine, to the byte.' }),
  },
  { title: 'AWSInstanceIdentityToken', examples: [{ signature: 'c2lnbmF0dXJl', document: '{"instanceId":"i-0123456789abcdef0"}' }] },
)
export type AWSInstanceIdentityToken = Static<typeof AWSInstanceIdentityToken>

export const GoogleInstanceIdentityToken = Type.Object(
  { json_web_token: Type.String({ rules: ['required'], description: 'The identity token of the machine, in its full format.' }) },
  { title: 'GoogleInstanceIdentityToken', examples: [{ json_web_token: 'eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl' }] },
)
export type GoogleInstanceIdentityToken = Static<typeof GoogleInstanceIdentityToken>

export const WorkspaceAgentAuthenticateResponse = Type.Object(
  { session_token: Type.String({ description: 'The token of the agent.' }) },
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
  'The machine proves who it is, instead of having been handed a token. A deployment answers only for the clouds that it is set up for.'

export const instanceIdentity = {
  azure: endpoint({
    ...shared,
    path: '/workspaceagents/azure-instance-identity',
    summary: 'Get the token of the agent on an Azure machine.',
    description,
    body: AzureInstanceIdentityToken,
  }),
  aws: endpoint({
    ...shared,
    path: '/workspaceagents/aws-instance-identity',
    summary: 'Get the token of the agent on an AWS machine.',
    description,
    body: AWSInstanceIdentityToken,
  }),
  google: endpoint({
    ...shared,
    path: '/workspaceagents/google-instance-identity',
    summary: 'Get the token of the agent on a Google Cloud machine.',
    description,
    body: GoogleInstanceIdentityToken,
  }),
}
