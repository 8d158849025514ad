export { writeBusyboxRoot } from './busybox-root.ts'
export { clusterSuite } from './cluster-suite.ts'
export { startCluster, type Cluster } from './start-cluster.ts'
