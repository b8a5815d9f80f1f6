package skygear

import (
	"context"
	"slices"

	"hecate"
)

// maxNamed bounds the users and the files that one request names.
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

// filesIn finds the files that a request's values name, all in one query, and answers from what was found.
func (a *api) filesIn(ctx context.Context, app *hecate.App, raw []any) (func(ctx context.Context, name string) (hecate.FileRef, error), error) {
	var names []string
	for _, v := range raw {
		names = assetNames(names, v)
	}
	names = distinct(names)
	if len(names) > maxNamed {
		return nil, invalid("too many assets in one request")
	}
	var found map[string]*hecate.File
	if len(names) > 0 {
		var err error
		if found, err = a.engine.FilesByName(ctx, app.ID, names); err != nil {
			return nil, err
		}
	}
	return func(_ context.Context, name string) (hecate.FileRef, error) {
		f := found[name]
		if f == nil || f.Digest == "" {
			return hecate.FileRef{}, hecate.E(hecate.NotFound, "asset")
		}
		return f.FileRef, nil
	}, nil
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
