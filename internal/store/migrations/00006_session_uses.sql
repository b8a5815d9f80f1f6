-- +goose Up
-- When sessions were used last and how long they lay idle at most, in apps with roles that idle sessions lose.
create table session_uses (
  app_id     {{text}} not null,
  session_id {{text}} not null,
  used_at    bigint not null,
  max_idle   bigint not null, -- microseconds
  primary key (app_id, session_id),
  foreign key (app_id, session_id) references sessions (app_id, id) on delete cascade
);
