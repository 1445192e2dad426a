package rest

import (
	"encoding/json"
	"mime"
	"net/url"
	"slices"

	"tenon/fhir/issue"
	"tenon/server/dispatch"
	"tenon/server/record"
)

// mostInputs bounds the files of one manifest.
const mostInputs = 1000

// importNDJSON begins an import: of the body, streamed, as application/fhir+ndjson
// (also in gzip or zstd), or of files that a manifest names.
// https://github.com/smart-on-fhir/bulk-import/blob/master/import-manifest.md
func (d *Door) importNDJSON(c *call) error {
	if err := record.MayImport(c.who); err != nil {
		return err
	}
	q := record.ImportRequest{URL: c.base + "/$import"}
	j := &dispatch.Job{Kind: record.ImportKind}
	media, _, err := mime.ParseMediaType(c.header("Content-Type"))
	switch {
	case err == nil && slices.Contains(exportFormats[:3], media):
		body, err := c.decoded(d.o.MaxImport)
		if err != nil {
			return bodyFault(err)
		}
		defer body.Close()
		f, err := c.stage(body, d.o.MaxImport)
		if err != nil {
			return err
		}
		if f.Size == 0 {
			return issue.Errorf(issue.Required, "The request has no body.").WithStatus(400).Rule("http-body").Chinese("请求没有正文。")
		}
		j.Files, q.Inputs = []dispatch.File{f}, []record.ImportInput{{}}
	case err == nil && (media == "application/json" || media == "application/fhir+json"):
		body, err := c.body(1 << 20)
		if err != nil {
			return err
		}
		if q.Inputs, err = d.importManifest(body); err != nil {
			return err
		}
	default:
		return badMedia(c.header("Content-Type"), "application/fhir+ndjson (the resources) or application/json (a manifest)")
	}
	if j.Request, err = json.Marshal(q); err != nil {
		return err
	}
	return c.started(j)
}

// importManifest reads the inputs of a manifest.
func (d *Door) importManifest(body []byte) ([]record.ImportInput, error) {
	root, err := nodeOf(body)
	if err != nil {
		return nil, err
	}
	if !d.o.Fetches {
		return nil, badImport("input", "This server fetches nothing; send the resources as the body, in application/fhir+ndjson.")
	}
	if f := root.Field("inputFormat").Str(); !slices.Contains(exportFormats[:3], f) {
		return nil, badImport("inputFormat", "It is application/fhir+ndjson.")
	}
	if t := root.Path("storageDetail", "type").Str(); t != "" && t != "https" {
		return nil, badImport("storageDetail.type", "Files are fetched by https only.")
	}
	var inputs []record.ImportInput
	for in := range root.Field("input").Items() {
		typ, at := in.Field("type").Str(), in.Field("url").Str()
		u, err := url.Parse(at)
		switch {
		case typ != "" && !d.o.Model.IsResource(typ):
			return nil, badImport("input.type", clip(typ)+" is not a resource type of FHIR R4.")
		case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
			return nil, badImport("input.url", clip(at)+" is not an address of a file.")
		case len(inputs) == mostInputs:
			return nil, badImport("input", "One import takes at most 1000 files.")
		}
		inputs = append(inputs, record.ImportInput{Type: typ, URL: at})
	}
	if len(inputs) == 0 {
		return nil, badImport("input", "The manifest names no files.")
	}
	return inputs, nil
}

func badImport(at, text string) error {
	return issue.Errorf(issue.Invalid, "%s: %s", at, text).WithStatus(400).At(at).Rule("import-manifest").Chinese("导入清单有误。")
}

// imported is the result of an import.
func (c *call) imported(j *dispatch.Job) error {
	var r record.ImportResult
	if err := json.Unmarshal(j.Result, &r); err != nil {
		return err
	}
	type output struct {
		Type     string `json:"type,omitempty"`
		InputURL string `json:"inputUrl,omitempty"`
		Count    int64  `json:"count"`
		Same     int64  `json:"unchanged"`
		Failed   int64  `json:"failed"`
	}
	type file struct {
		Type  string `json:"type"`
		URL   string `json:"url"`
		Count int64  `json:"count"`
	}
	m := struct {
		At      string   `json:"transactionTime"`
		Request string   `json:"request"`
		Token   bool     `json:"requiresAccessToken"`
		Output  []output `json:"output"`
		Error   []file   `json:"error"`
		Cut     bool     `json:"errorsCut,omitempty"`
	}{j.Ended.UTC().Format(instant), r.Request, true, []output{}, []file{}, r.Cut}
	for _, o := range r.Outputs {
		m.Output = append(m.Output, output{o.Type, o.URL, o.Written, o.Same, o.Failed})
	}
	for n, f := range j.Files {
		if f.Kind == "error" {
			m.Error = append(m.Error, file{f.Type, c.fileAddress(j, n), f.Count})
		}
	}
	return c.sendManifest(m)
}
