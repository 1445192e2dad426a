package webhook

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"tenon/adapters/mes"
	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/record"
)

// maxNews bounds one message.
const maxNews = 1 << 20

// Schemas are the published JSON Schemas, by file name.
//
//go:embed schema/*.json
var Schemas embed.FS

// Door takes the news of the MES: POST /adapters/mes/news. Answers: 202 with the
// reference of the job; 200 for a repeat that was taken before; 401 for a wrong
// signature; 409 for a number that came with another body; 404 for a job order
// that is not the MES's; 422 for a message that the schema or the case refuses.
type Door struct {
	Secret   string
	Recorder *record.Recorder
	// Who is the principal of the MES, as the directory has it now.
	Who   func(ctx context.Context) (*access.Context, error)
	Clock func() time.Time
	Log   *slog.Logger
}

// ServeHTTP implements http.Handler.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name, ok := strings.CutPrefix(r.URL.Path, "/adapters/mes/schema/"); ok && r.Method == http.MethodGet {
		http.ServeFileFS(w, r, Schemas, "schema/"+name)
		return
	}
	if r.URL.Path != "/adapters/mes/news" || r.Method != http.MethodPost {
		d.fail(w, issue.Errorf(issue.NotFound, "The MES posts to /adapters/mes/news.").Rule("mes-path"))
		return
	}
	ref, repeat, err := d.take(r)
	if err != nil {
		d.fail(w, err)
		return
	}
	status := http.StatusAccepted
	if repeat {
		status = http.StatusOK
	}
	answer(w, status, map[string]any{"job": ref, "repeat": repeat})
}

func (d *Door) take(r *http.Request) (ref string, repeat bool, err error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxNews+1))
	if err != nil {
		return "", false, issue.Errorf(issue.Structure, "The body broke off.").Rule("mes-body").WithStatus(400)
	}
	if len(body) > maxNews {
		return "", false, issue.Errorf(issue.TooLong, "A message has at most %d bytes.", maxNews).Rule("mes-size")
	}
	if err := verify(r.Header, d.Secret, d.Clock(), body); err != nil {
		return "", false, err
	}
	news, err := mes.ParseNews(body)
	if err != nil {
		return "", false, err
	}
	who, err := d.Who(r.Context())
	if err != nil {
		return "", false, err
	}
	maker, err := d.maker(r.Context(), who)
	if err != nil {
		return "", false, err
	}
	id := strings.TrimPrefix(news.JobOrder, "Task/")
	for range 8 {
		job, err := d.Recorder.Read(r.Context(), who, "Task", id)
		if err != nil {
			return "", false, err
		}
		draft, err := mes.Draft(news, job, maker, body)
		if err != nil {
			return "", false, err
		}
		outcome, err := d.Recorder.Submit(r.Context(), who, draft)
		if f := issue.As(err); f != nil && f.HTTPStatus() == http.StatusPreconditionFailed {
			continue // somebody moved the production Task meanwhile: map again
		}
		if err != nil {
			return "", false, err
		}
		return "Task/" + id, outcome.Repeat != "", nil
	}
	return "", false, issue.Errorf(issue.Conflict, "The job keeps changing; send the message again.").Rule("contention")
}

// maker is the name of the organisation that the MES belongs to.
func (d *Door) maker(ctx context.Context, who *access.Context) (string, error) {
	v, err := d.Recorder.Read(ctx, who, "Organization", strings.TrimPrefix(who.Organization, "Organization/"))
	if err != nil {
		return "", err
	}
	doc, err := tree.Parse(v.Body)
	if err != nil {
		return "", err
	}
	return doc.Root().Field("name").Str(), nil
}

func (d *Door) fail(w http.ResponseWriter, err error) {
	var f *issue.Failure
	if !errors.As(err, &f) {
		d.Log.Error("mes", "error", err)
		f = issue.Errorf(issue.Exception, "The server failed; nothing was written. Send the message again.")
	}
	answer(w, f.HTTPStatus(), f.Outcome())
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
