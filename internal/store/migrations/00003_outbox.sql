-- +goose Up
-- Letters on their way out, and for a while those that left or failed. Facts, link and ticket of a letter are sealed, and gone once it ended.
create table outbox (
  app_id     {{text}} not null, -- '' for the server's own letters
  id         {{text}} not null,
  name       {{text}} not null,
  address    {{text}} not null, -- folded
  user_id    {{text}} not null,
  sealed     {{text}} not null,
  state      integer not null,  -- 0 waiting, 1 sent, 2 failed, 3 never meant to be sent
  attempts   integer not null,
  owner      {{text}} not null, -- the process that is sending it, '' nobody; until due_at
  due_at     bigint not null,
  expires_at bigint not null,
  last_error {{text}} not null,
  created_at bigint not null,
  ended_at   bigint,
  primary key (app_id, id)
);
create index outbox_due on outbox (due_at) where state = 0; -- the sender's, over all apps
create index outbox_ended on outbox (ended_at) where ended_at is not null; -- the sweeper's, over all apps
create index outbox_address on outbox (app_id, address, created_at);

alter table tickets add column about {{text}} not null default ''; -- the field whose address is verified
alter table tickets add column short boolean not null default false; -- a code that people type
alter table tickets add column ends_at_login boolean not null default false;
alter table tickets add column attempts integer not null default 0; -- wrong codes while this one was the right one
