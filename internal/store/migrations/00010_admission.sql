-- +goose Up
-- What accounts and orgs still wait for before they may be used: bits of hecate.Awaiting. Those that are here already wait for nothing.
alter table admins add column awaits integer not null default 0;
alter table orgs add column awaits integer not null default 0;
