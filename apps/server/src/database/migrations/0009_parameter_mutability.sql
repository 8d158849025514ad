-- A parameter that is not mutable keeps the value that a workspace was created with.
alter table parameter_schemas add column mutable boolean not null default true;
