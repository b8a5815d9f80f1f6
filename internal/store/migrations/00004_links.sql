-- +goose Up
-- Links are listed in the order in which they were made, from both ends.
create index links_made on links (app_id, from_id, name, created_at);
drop index links_to;
create index links_to on links (app_id, to_id, name, created_at);

-- Records that are shown to a group.
create table group_records (
  app_id     {{text}} not null,
  group_id   {{text}} not null,
  record_id  {{text}} not null,
  created_at bigint not null,
  primary key (app_id, group_id, record_id),
  foreign key (app_id, group_id) references groups (app_id, id) on delete cascade,
  foreign key (app_id, record_id) references records (app_id, id) on delete cascade
);
create index group_records_made on group_records (app_id, group_id, created_at);
create index group_records_record on group_records (app_id, record_id);
