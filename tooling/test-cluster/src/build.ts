import { buildKubernetes } from './build-kubernetes.ts'

const startedAt = performance.now()
const { directory, isNew } = await buildKubernetes()
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
process.stdout.write(`test-cluster: ${directory} ${isNew ? `built in ${seconds} s` : 'already built'}\n`)
