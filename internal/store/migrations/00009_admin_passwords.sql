-- +goose Up
-- Former password hashes of admins whose orgs refuse to see them again. They belong to no app, so nothing leads with app_id.

create table admin_passwords (
  admin_id   {{text}} not null references admins (id) on delete cascade,
  id         {{text}} not null, -- in order of time
  hash       {{text}} not null,
  primary key (admin_id, id)
);
