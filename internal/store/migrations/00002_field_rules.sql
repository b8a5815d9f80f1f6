-- +goose Up
-- What actors may do with fields of records: one row for each app that has set rules, also for one that set none.
create table field_rules (
  app_id     {{text}} primary key,
  rules      {{json}} not null,
  updated_at bigint not null
);
