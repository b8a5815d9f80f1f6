package storetest_test

import (
	"testing"

	"hecate/internal/store"
	"hecate/internal/store/storetest"
)

func TestEachGivesAStoreThatAnswers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := db.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
