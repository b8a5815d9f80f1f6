-- +goose Up
-- Tokens that no row stands for, since they say themselves whose they are: those of them that were ended before their time.
create table ended_tokens (
  app_id     {{text}} not null,
  token_hash {{text}} not null,
  session_id {{text}} not null,
  primary key (app_id, token_hash),
  foreign key (app_id, session_id) references sessions (app_id, id) on delete cascade
);
create index ended_tokens_session on ended_tokens (app_id, session_id);
