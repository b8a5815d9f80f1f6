package native

import (
	_ "embed"
	"net/http"

	"hecate/internal/web"
)

//go:embed openapi.yaml
var openapi []byte

func (a *api) description(w *web.Response, _ *web.Request, _ caller) error {
	w.SetType("application/yaml")
	return w.Bytes(http.StatusOK, openapi)
}
