package dicomweb

import (
	"encoding/json"
	"net/http"

	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/record"
)

// problem is the body of an error, as RFC 9457 has it.
// https://www.rfc-editor.org/rfc/rfc9457
type problem struct {
	Title  string   `json:"title"`
	Status int      `json:"status"`
	Detail string   `json:"detail,omitempty"`
	Issues []detail `json:"issues,omitempty"`
}

type detail struct {
	Rule    string `json:"rule,omitempty"`
	Path    string `json:"path,omitempty"`
	Text    string `json:"text"`
	Chinese string `json:"textChinese,omitempty"`
	Clause  string `json:"clause,omitempty"`
}

// fail renders an error. What is no issue is a defect: its detail goes to the
// log only.
func (d *Door) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := issue.As(err)
	if f == nil {
		if r.Context().Err() != nil {
			return
		}
		d.o.Log(r.Context(), "dicomweb "+r.Method+" "+r.Pattern, err)
		f = issue.Errorf(issue.Exception, "The server failed; the request can be repeated.")
	}
	p := problem{Status: f.HTTPStatus()}
	p.Title = http.StatusText(p.Status)
	for i, is := range f.Issues {
		if i == 0 {
			p.Detail = is.Text
		}
		p.Issues = append(p.Issues, detail{is.Rule, is.Path, is.Text, is.Chinese, is.Clause})
	}
	body, _ := json.Marshal(p) // strings and numbers only
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="tenon"`)
	}
	w.Header().Del("Content-Length")
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(body)
}

// audit makes one row of a read durable. A read whose audit cannot be kept is
// not answered.
func (d *Door) audit(r *request, operation, entity, patient string) error {
	return d.o.Auditor.Audit(r.Context(), []record.Audit{d.auditRow(r, operation, entity, patient)})
}

// disclose makes the audit row of a disclosure durable while prepare makes what is
// disclosed. Nothing may leave before it returns.
func (d *Door) disclose(r *request, operation string, of *index.Result, prepare func() error) error {
	audited := make(chan error, 1)
	go func() { audited <- d.audit(r, operation, "ImagingStudy/"+of.Study.Resource, of.Study.Patient) }()
	err := prepare()
	if failed := <-audited; failed != nil {
		return failed
	}
	return err
}

func (d *Door) auditRow(r *request, operation, entity, patient string) record.Audit {
	action := "R"
	if operation == "qido" {
		action = "E"
	}
	return record.Audit{At: d.o.Clock(), RequestID: r.who.RequestID, Principal: r.who.Principal,
		Organization: r.who.Organization, Door: r.name(), Action: action, Operation: operation,
		Entity: entity, Patient: patient, Outcome: http.StatusOK, Purpose: r.who.Purpose, Address: r.who.Address}
}

func absent() error {
	return issue.Errorf(issue.NotFound, "Nothing is stored under this URL, or it is not visible to you.").
		Rule("not-found").Chinese("影像不存在或不可见。")
}
