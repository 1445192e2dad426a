package app

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"tenon/adapters/grading"
	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/rest"
)

// followUp is Task/{root}/$follow-up: what the manufacturer of the device may
// have of a case's follow-up, pseudonymised and at most L3. The owner of the
// data calls it, a person of the hospital; the answer is a Parameters resource
// with the manifest and the copies.
func (a *App) followUp(c echo.Context) error {
	ctx, who := c.Request().Context(), rest.Who(c)
	answer, err := func() ([]byte, error) {
		if who == nil {
			return nil, issue.Errorf(issue.Login, "This request needs a token: send the header Authorization: Bearer ….").Rule("no-token").Chinese("请先登录。")
		}
		if who.Kind != access.Person || who.Side != access.Hospital {
			return nil, issue.Errorf(issue.Forbidden, "The follow-up of a case is released by the hospital that owns it.").
				Rule("export-owner").Chinese("随访数据由医院方放行导出。")
		}
		s, err := a.Recorder.Snapshot(ctx, who, c.Param("id"))
		if err != nil {
			return nil, err
		}
		return a.exportOf(s)
	}()
	if f := issue.As(err); f != nil {
		c.Response().Header().Set("Content-Type", "application/fhir+json")
		return c.JSON(f.HTTPStatus(), f.Outcome())
	}
	if err != nil {
		a.log.Error("follow-up export", "request", who.RequestID, "error", err)
		return c.NoContent(http.StatusInternalServerError)
	}
	return c.Blob(http.StatusOK, "application/fhir+json", answer)
}

func (a *App) exportOf(s *casework.Snapshot) ([]byte, error) {
	table, err := grading.Load()
	if err != nil {
		return nil, err
	}
	key, err := a.secret("pseudonym.key")
	if err != nil {
		return nil, err
	}
	pseudonyms, err := grading.NewPseudonymiser(key)
	if err != nil {
		return nil, err
	}
	f := grading.FollowUp{Pseudonyms: pseudonyms, BaseURL: a.Config.BaseURL, At: a.clock()}
	for _, r := range s.Resources {
		f.Resources = append(f.Resources, r.Root)
		if r.Type == "Task" && r.ID == s.Case {
			f.Patient = r.Root.Path("for", "reference").Str()
		}
	}
	for _, r := range s.Directory {
		switch r.Type {
		case "Organization":
			if bytes.Contains(r.Root.Field("type").Raw(), []byte(`"manufacturer"`)) {
				f.Recipient.Names = append(f.Recipient.Names, r.Root.Field("name").Str())
			}
		case "Practitioner":
			f.Resources = append(f.Resources, r.Root)
		}
	}
	p, err := table.FollowUpExport(f)
	if err != nil {
		return nil, err
	}
	return parameters(p)
}

// parameters renders an export as a Parameters resource.
func parameters(p *grading.Package) ([]byte, error) {
	manifest, err := json.Marshal(p.Manifest)
	if err != nil {
		return nil, err
	}
	type parameter struct {
		Name     string          `json:"name"`
		Text     string          `json:"valueString,omitempty"`
		Resource json.RawMessage `json:"resource,omitempty"`
	}
	out := []parameter{{Name: "manifest", Text: string(manifest)}}
	for line := range strings.Lines(string(p.NDJSON)) {
		out = append(out, parameter{Name: "resource", Resource: json.RawMessage(strings.TrimSuffix(line, "\n"))})
	}
	return json.Marshal(map[string]any{"resourceType": "Parameters", "parameter": out})
}
