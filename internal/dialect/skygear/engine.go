package skygear

import (
	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// engineDoors are the doors of an engine. appByHost may be nil.
func engineDoors(e *engine.Engine, appByHost func(*web.Request) (*hecate.App, error)) doors {
	return doors{appByKey: e.AppByKey, appByHost: appByHost, authenticate: e.Authenticate}
}
