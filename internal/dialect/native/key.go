package native

import (
	"net/http"
	"strconv"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

func (a *api) keys(w *web.Response, r *web.Request, c caller) error {
	list, err := listOf(r)
	if err != nil {
		return err
	}
	page, err := a.engine.Keys(r.Context(), c, list)
	if err != nil {
		return err
	}
	return w.JSON(http.StatusOK, pageOf(page, shapeListedKey, keySeq))
}

func (a *api) createKey(w *web.Response, r *web.Request, c caller) error {
	var in struct {
		Name        string   `json:"name"`
		Description string   `json:"description"`
		Flags       []string `json:"flags"`
	}
	if err := r.DecodeInto(&in); err != nil {
		return err
	}
	flags, err := flagsOf(in.Flags)
	if err != nil {
		return err
	}
	k, err := a.engine.CreateKey(r.Context(), c, engine.KeyInput{Name: in.Name, Description: in.Description, Flags: flags})
	if err != nil {
		return err
	}
	w.Header().Set("Location", r.URL.Path+"/"+strconv.FormatInt(k.Seq, 10))
	return w.JSON(http.StatusCreated, shapeKey(k))
}

func (a *api) key(w *web.Response, r *web.Request, c caller) error {
	seq, err := seqOf(r)
	if err != nil {
		return err
	}
	k, err := a.engine.Key(r.Context(), c, seq)
	if err != nil {
		return err
	}
	return w.JSON(http.StatusOK, shapeKey(k))
}

// updateKey changes what the body names. Flags are replaced as a whole.
func (a *api) updateKey(w *web.Response, r *web.Request, c caller) error {
	seq, err := seqOf(r)
	if err != nil {
		return err
	}
	var in struct {
		Name        *string   `json:"name"`
		Description *string   `json:"description"`
		Flags       *[]string `json:"flags"`
	}
	if err := r.DecodeInto(&in); err != nil {
		return err
	}
	var flags hecate.KeyFlags
	if in.Flags != nil {
		if flags, err = flagsOf(*in.Flags); err != nil {
			return err
		}
	}
	k, err := a.engine.UpdateKey(r.Context(), c, seq, func(k *engine.KeyInput) {
		if in.Name != nil {
			k.Name = *in.Name
		}
		if in.Description != nil {
			k.Description = *in.Description
		}
		if in.Flags != nil {
			k.Flags = flags
		}
	})
	if err != nil {
		return err
	}
	return w.JSON(http.StatusOK, shapeListedKey(k))
}

func (a *api) deleteKey(w *web.Response, r *web.Request, c caller) error {
	seq, err := seqOf(r)
	if err != nil {
		return err
	}
	if err := a.engine.DeleteKey(r.Context(), c, seq); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// resetKey gives the key a new secret.
func (a *api) resetKey(w *web.Response, r *web.Request, c caller) error {
	seq, err := seqOf(r)
	if err != nil {
		return err
	}
	k, err := a.engine.ResetKey(r.Context(), c, seq)
	if err != nil {
		return err
	}
	return w.JSON(http.StatusOK, shapeKey(k))
}

// seqOf reads the number of a key from the path. Kinds: NotFound, as no key has a number that is none.
func seqOf(r *web.Request) (int64, error) {
	seq, err := strconv.ParseInt(r.PathValue("seq"), 10, 64)
	if err != nil {
		return 0, hecate.E(hecate.NotFound, "find key")
	}
	return seq, nil
}
