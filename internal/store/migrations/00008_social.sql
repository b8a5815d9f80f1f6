-- +goose Up
-- What a social provider said of a user when he last came by it. The identity itself is in identities.
create table provider_profiles (
  app_id     {{text}} not null,
  user_id    {{text}} not null,
  provider   {{text}} not null,
  profile    {{json}} not null,
  updated_at bigint not null,
  primary key (app_id, user_id, provider),
  foreign key (app_id, user_id) references users (app_id, id) on delete cascade
);

-- The identities of admins at social providers.
create table admin_identities (
  provider   {{text}} not null,
  subject    {{text}} not null,
  admin_id   {{text}} not null references admins (id) on delete cascade,
  created_at bigint not null,
  primary key (provider, subject)
);
create index admin_identities_admin on admin_identities (admin_id);
