-- Proofs of machines that have been used: each is good for one token. Kept until it would be too old anyway.
create table instance_identity_nonces (
  -- SHA-256 of the cloud, the machine and the nonce of its document.
  hash bytea primary key,
  expires_at timestamptz not null
);
create index instance_identity_nonces_expiry on instance_identity_nonces (expires_at);
