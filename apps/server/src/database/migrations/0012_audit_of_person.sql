-- What a person did of some kind is counted from the index alone.
create index audit_logs_person on audit_logs (user_id, time desc, id) include (resource_type, action);
drop index audit_logs_user;
