package skygear

import (
	"context"
	"slices"

	"hecate"
)

// maxNamed bounds the users that one request names.
const maxNamed = 4 * hecate.MaxPage

// userIDs finds users by key, all in one query; those that are not there are left out.
func (a *api) userIDs(ctx context.Context, app *hecate.App, keys []string) (map[string]hecate.UserID, error) {
	keys = distinct(keys)
	if len(keys) > maxNamed {
		return nil, invalid("too many users in one request", "_access")
	}
	return a.engine.LookupUserIDs(ctx, app.ID, keys)
}

func distinct(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

// filesIn finds the files that a request's values name, all in one query.
func (a *api) filesIn(ctx context.Context, app *hecate.App, raw []any) (map[string]*hecate.File, error) {
	var names []string
	for _, v := range raw {
		names = assetNames(names, v)
	}
	if names = distinct(names); len(names) == 0 {
		return nil, nil
	}
	if len(names) > maxRecords {
		return nil, invalid("too many assets in one request")
	}
	return a.engine.FilesByName(ctx, app.ID, names)
}

// assetNames adds the names of the assets in a value. How deep it goes the reading of the body has bounded.
func assetNames(into []string, raw any) []string {
	switch raw := raw.(type) {
	case []any:
		for _, item := range raw {
			into = assetNames(into, item)
		}
	case map[string]any:
		if name, ok := raw["$name"].(string); ok && raw["$type"] == "asset" {
			into = append(into, name)
		}
		for _, member := range raw {
			into = assetNames(into, member)
		}
	}
	return into
}
