package witness

import (
	"errors"
	"io"
	"net/http"
	"strconv"
)

// maxBody bounds a request: a checkpoint and its proof.
const maxBody = 32 << 10

// Handler is the door of the witness.
//
//	POST /add-checkpoint   200 cosignature; 409 with the size seen last; 400, 403, 404, 422
//	GET  /checkpoint?origin=…   the newest checkpoint that was cosigned
//	GET  /key              the verifier key
func (w *Witness) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", w.add)
	mux.HandleFunc("GET /checkpoint", func(out http.ResponseWriter, r *http.Request) {
		text, err := w.Kept(r.URL.Query().Get("origin"))
		if err != nil || text == nil {
			http.Error(out, "none was cosigned", http.StatusNotFound)
			return
		}
		plain(out, "text/plain; charset=utf-8", http.StatusOK, string(text))
	})
	mux.HandleFunc("GET /key", func(out http.ResponseWriter, _ *http.Request) {
		plain(out, "text/plain; charset=utf-8", http.StatusOK, w.Key()+"\n")
	})
	return mux
}

func plain(out http.ResponseWriter, typ string, status int, text string) {
	out.Header().Set("Content-Type", typ)
	out.Header().Set("X-Content-Type-Options", "nosniff")
	out.WriteHeader(status)
	_, _ = io.WriteString(out, text) // who does not read it asks again
}

func (w *Witness) add(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(out, r.Body, maxBody))
	if err != nil {
		http.Error(out, "the body is too long or broke off", http.StatusBadRequest)
		return
	}
	line, err := w.Add(body)
	var stale Stale
	switch {
	case err == nil:
		plain(out, "text/plain; charset=utf-8", http.StatusOK, line)
	case errors.As(err, &stale):
		plain(out, "text/x.tlog.size", http.StatusConflict, strconv.FormatInt(stale.Size, 10)+"\n")
	case errors.Is(err, ErrUnknown):
		http.Error(out, err.Error(), http.StatusNotFound)
	case errors.Is(err, ErrUntrusted):
		http.Error(out, err.Error(), http.StatusForbidden)
	case errors.Is(err, ErrInconsistent):
		http.Error(out, err.Error(), http.StatusUnprocessableEntity)
	case errors.Is(err, ErrMalformed):
		http.Error(out, err.Error(), http.StatusBadRequest)
	default:
		http.Error(out, "the witness cannot keep what it saw", http.StatusInternalServerError)
	}
}
