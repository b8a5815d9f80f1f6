-- +goose Up
-- Letters that whoever runs the server or an app sees, and sends once more. What a failed one says stays sealed in its row until it is forgotten.
alter table outbox add column retries integer not null default 0; -- how often somebody asked for it once more
alter table outbox add column retried_at bigint; -- the last time
create index outbox_open on outbox (app_id, id) where state in (0, 2);
create index outbox_open_all on outbox (id) where state in (0, 2); -- the operator's, over all apps
create index outbox_retried on outbox (app_id, address, retried_at) where retried_at is not null;
