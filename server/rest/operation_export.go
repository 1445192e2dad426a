package rest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
	"tenon/server/dispatch"
	"tenon/server/record"
	"tenon/server/search"
)

// exportSystem, exportPatients and exportGroup are
// https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-kick-off-request
func (d *Door) exportSystem(c *call) error { return d.export(c, "system") }

func (d *Door) exportPatients(c *call) error { return d.export(c, "patient") }

func (d *Door) exportGroup(c *call) error { return d.export(c, "group") }

func (d *Door) export(c *call, level string) error {
	if !c.prefer.async {
		return issue.Errorf(issue.Required, "An export is carried out asynchronously only: send the header Prefer: respond-async.").
			WithStatus(400).At("Prefer").Rule("export-async").Chinese("导出须异步执行：请发送 Prefer: respond-async。")
	}
	params, err := c.exportParameters()
	if err != nil {
		return err
	}
	q := &record.ExportRequest{URL: c.base + "/" + strings.Join(c.exportSteps(level), "/"), Level: level, Group: c.Param("id"), Filters: map[string][]string{}, Elements: map[string][]string{}}
	if raw := c.Request().URL.RawQuery; raw != "" {
		q.URL += "?" + raw
	}
	for _, p := range params {
		if err := c.exportParameter(q, p); err != nil {
			return err
		}
	}
	if err := d.o.Record.CheckExport(c.ctx(), c.who, q); err != nil {
		return err
	}
	for typ, elements := range q.Elements {
		if err := c.exportElements(q.Types, typ, elements); err != nil {
			return err
		}
	}
	body, err := json.Marshal(q)
	if err != nil {
		return err
	}
	return c.started(&dispatch.Job{Kind: record.ExportKind, Request: body})
}

func (c *call) exportSteps(level string) []string {
	switch level {
	case "patient":
		return []string{"Patient", "$export"}
	case "group":
		return []string{"Group", c.Param("id"), "$export"}
	}
	return []string{"$export"}
}

// exportParameters are those of the query, and of the Parameters of a POST.
func (c *call) exportParameters() ([]search.Param, error) {
	params, err := search.ParseQuery(c.Request().URL.RawQuery)
	if err != nil || c.Request().Method != http.MethodPost || c.Request().ContentLength == 0 {
		return params, err
	}
	body, err := c.resource()
	if err != nil {
		return nil, err
	}
	root, err := nodeOf(body)
	if err != nil {
		return nil, err
	}
	if root.Field("resourceType").Str() != "Parameters" {
		return nil, badExport("resourceType", "The body of an export is Parameters.")
	}
	for p := range root.Field("parameter").Items() {
		value, ok := parameterText(p)
		if !ok {
			return nil, badExport(p.Field("name").Str(), "The parameter has no value that an export takes.")
		}
		params = append(params, search.Param{Name: p.Field("name").Str(), Value: value})
	}
	return params, nil
}

// parameterText is the value of one parameter: a primitive, or the reference of a
// Reference.
func parameterText(p tree.Node) (string, bool) {
	for name, v := range p.Fields() {
		switch {
		case name == "valueReference":
			text := v.Field("reference").Str()
			return text, text != ""
		case strings.HasPrefix(name, "value") && v.Kind() == tree.String:
			return v.Str(), true
		}
	}
	return "", false
}

func badExport(parameter, text string) *issue.Failure {
	return issue.Errorf(issue.Invalid, "%s: %s", clip(parameter), text).WithStatus(400).At(clip(parameter)).
		Rule("export-parameter").Chinese("导出参数的取值无效。")
}

// exportFormats are the names of the one format there is.
var exportFormats = []string{ndjson, "application/ndjson", "ndjson", ""}

// exportParameter reads one parameter.
// https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters
func (c *call) exportParameter(q *record.ExportRequest, p search.Param) error {
	switch p.Name {
	case "_outputFormat":
		if !slices.Contains(exportFormats, strings.ReplaceAll(p.Value, " ", "+")) {
			return badExport(p.Name, "An export is written as application/fhir+ndjson only.")
		}
	case "_since":
		at, _, ok := moments(p.Value)
		if !ok || !strings.Contains(p.Value, "T") {
			return badExport(p.Name, "It takes an instant, such as 2024-05-01T08:30:00Z.")
		}
		q.Since = at
	case "_type":
		for typ := range strings.SplitSeq(p.Value, ",") {
			q.Types = append(q.Types, strings.TrimSpace(typ))
		}
	case "_typeFilter":
		return exportFilters(q, p.Value)
	case "_elements":
		for element := range strings.SplitSeq(p.Value, ",") {
			typ, name, dotted := strings.Cut(strings.TrimSpace(element), ".")
			if !dotted {
				typ, name = "", typ
			}
			q.Elements[typ] = append(q.Elements[typ], name)
		}
	case "patient":
		return c.exportPatient(q, p.Value)
	case "_format", "_pretty":
	default:
		if c.prefer.lenient {
			return nil
		}
		return badExport(p.Name, "This server does not know or support the parameter; leave it out, or send Prefer: handling=lenient to have it passed over.").WithStatus(400)
	}
	return nil
}

// exportFilters reads queries that commas part: "Condition?code=a,b" is one, since
// what follows its comma is no Type?.
func exportFilters(q *record.ExportRequest, value string) error {
	var queries []string
	for part := range strings.SplitSeq(value, ",") {
		typ, _, is := strings.Cut(part, "?")
		if is && typeName(typ) || len(queries) == 0 {
			queries = append(queries, part)
			continue
		}
		queries[len(queries)-1] += "," + part
	}
	for _, query := range queries {
		typ, query, ok := strings.Cut(query, "?")
		if !ok || query == "" {
			return badExport("_typeFilter", "It takes queries such as MedicationRequest?status=active.")
		}
		q.Filters[typ] = append(q.Filters[typ], query)
	}
	return nil
}

// typeName tells what looks like the name of a type.
func typeName(s string) bool {
	return s != "" && s[0] >= 'A' && s[0] <= 'Z' && !strings.ContainsFunc(s, func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') })
}

func (c *call) exportPatient(q *record.ExportRequest, value string) error {
	if q.Level == "system" || c.Request().Method != http.MethodPost {
		return badExport("patient", "It belongs to a POST of Patient/$export or Group/[id]/$export.")
	}
	ref := strings.TrimPrefix(strings.TrimPrefix(value, c.base), "/")
	if typ, id, ok := strings.Cut(ref, "/"); !ok || typ != "Patient" || id == "" || strings.Contains(id, "/") {
		return badExport("patient", "It is a reference such as Patient/1.")
	}
	if !slices.Contains(q.Patients, ref) {
		q.Patients = append(q.Patients, ref)
	}
	return nil
}

// exportElements refuses elements that no type has.
func (c *call) exportElements(types []string, typ string, elements []string) error {
	if typ != "" {
		if !slices.Contains(types, typ) {
			return badExport("_elements", "It names "+clip(typ)+", which is not exported.")
		}
		types = []string{typ}
	}
	for _, name := range elements {
		if !slices.ContainsFunc(types, func(t string) bool {
			of := c.door.o.Model.Type(t)
			return of != nil && (of.Choice(name) != nil || of.Element(name) != nil)
		}) {
			return badExport("_elements", "No exported type has the element "+clip(name)+" at its root.")
		}
	}
	return nil
}

// Subset cuts resources down to some of their elements, for exports.
func Subset(m *schema.Model) func(body []byte, elements []string) ([]byte, error) {
	return func(body []byte, elements []string) ([]byte, error) {
		return view{elements: elements}.of(m, body)
	}
}

// manifest is https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status
func (c *call) manifest(j *dispatch.Job) error {
	var r record.ExportResult
	if err := json.Unmarshal(j.Result, &r); err != nil {
		return err
	}
	type file struct {
		Type  string `json:"type"`
		URL   string `json:"url"`
		Count int64  `json:"count"`
	}
	m := struct {
		At      string `json:"transactionTime"`
		Request string `json:"request"`
		Token   bool   `json:"requiresAccessToken"`
		Output  []file `json:"output"`
		Deleted []file `json:"deleted,omitempty"`
		Error   []file `json:"error"`
	}{r.At.UTC().Format(instant), r.Request, true, []file{}, nil, []file{}}
	lists := map[string]*[]file{"output": &m.Output, "deleted": &m.Deleted, "error": &m.Error}
	for n, f := range j.Files {
		if list := lists[f.Kind]; list != nil {
			*list = append(*list, file{f.Type, c.fileAddress(j, n), f.Count})
		}
	}
	return c.sendManifest(m)
}

// sendManifest answers with JSON that is no resource.
func (c *call) sendManifest(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.set("Content-Type", "application/json")
	body = c.coded(body)
	c.Response().WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	_, _ = c.Response().Write(body) // the client has gone: nobody to tell
	return nil
}
