-- +goose Up
-- Who signs up where accounts are hidden becomes a user by the ticket of his letter: until then all that he brings is here, sealed.
alter table tickets add column payload {{text}} not null default '';
