package dicomweb

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
)

// Retrieve Capabilities: what this door does, as WADL or JSON.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.9

const wadlType = "application/vnd.sun.wadl+xml"

// service is one resource with what its methods take and give.
type service struct {
	Path    string           `json:"path"`
	Methods []*serviceMethod `json:"methods"`
}

type serviceMethod struct {
	Name       string   `json:"method"`
	ID         string   `json:"transaction"`
	Parameters []string `json:"parameters,omitempty"`
	Takes      []string `json:"consumes,omitempty"`
	Gives      []string `json:"produces,omitempty"`
}

// services are those of the door as it is set up.
func (d *Door) services() []*service {
	const study, series, instance = "/studies/{study}", "/studies/{study}/series/{series}", "/studies/{study}/series/{series}/instances/{instance}"
	models := []string{dicomJSON, `multipart/related; type="` + dicomXML + `"`}
	files := []string{partTen, `multipart/related; type="` + partTen + `"`}
	stow := &serviceMethod{"POST", "StoreInstances", []string{"patient", "task"}, []string{partTen, dicomJSON, `multipart/related; type="` + partTen + `"`, `multipart/related; type="` + dicomJSON + `"`, `multipart/related; type="` + dicomXML + `"`}, []string{dicomJSON, dicomXML}}
	qido := func(id string) *serviceMethod {
		return &serviceMethod{"GET", id, []string{"{attribute}", "includefield", "fuzzymatching", "limit", "offset"}, nil, models}
	}
	get := func(id string, gives ...string) *serviceMethod {
		return &serviceMethod{"GET", id, []string{"accept"}, nil, gives}
	}
	pictures := func(id string) *serviceMethod {
		return &serviceMethod{"GET", id, []string{"accept", "quality", "viewport", "window"}, nil, []string{"image/jpeg", "image/png", "image/gif"}}
	}
	list := []*service{
		{"/studies", []*serviceMethod{qido("SearchForStudies"), stow}},
		{study, []*serviceMethod{get("RetrieveStudy", append(files[1:2:2], archiveZIP)...), stow}},
		{"/series", []*serviceMethod{qido("SearchForSeries")}}, {study + "/series", []*serviceMethod{qido("SearchForSeries")}},
		{"/instances", []*serviceMethod{qido("SearchForInstances")}}, {study + "/instances", []*serviceMethod{qido("SearchForInstances")}},
		{series + "/instances", []*serviceMethod{qido("SearchForInstances")}},
		{series, []*serviceMethod{get("RetrieveSeries", append(files[1:2:2], archiveZIP)...)}},
		{instance, []*serviceMethod{get("RetrieveInstance", files...)}},
		{instance + "/frames/{frames}", []*serviceMethod{get("RetrieveFrames", octetStream, `multipart/related; type="`+octetStream+`"`)}},
		{instance + "/bulkdata/{path}", []*serviceMethod{get("RetrieveBulkdata", octetStream, `multipart/related; type="`+octetStream+`"`)}},
	}
	list = append(list, &service{"/documents", []*serviceMethod{{"POST", "EncapsulateDocument", []string{"document", "study", "series", "task"}, nil, models[:1]}}},
		&service{instance + "/document", []*serviceMethod{{"POST", "DocumentOfInstance", []string{"task"}, nil, []string{"application/fhir+json"}}}})
	for _, level := range []string{study, series, instance} {
		list = append(list, &service{level + "/deidentify", []*serviceMethod{{"POST", "Deidentify", []string{"retain"}, []string{octetStream}, []string{archiveZIP}}}})
		list = append(list, &service{level + "/metadata", []*serviceMethod{get("RetrieveMetadata", models...)}})
	}
	for _, level := range []string{study, series, instance, instance + "/frames/{frames}"} {
		list = append(list, &service{level + "/rendered", []*serviceMethod{pictures("RetrieveRendered")}},
			&service{level + "/thumbnail", []*serviceMethod{pictures("RetrieveThumbnail")}})
	}
	return d.further(list, study, series, instance)
}

// further adds what is set up besides.
func (d *Door) further(list []*service, levels ...string) []*service {
	if d.o.Delete == DeleteUnused {
		for _, s := range list {
			for _, level := range levels {
				if s.Path == level {
					s.Methods = append(s.Methods, &serviceMethod{Name: "DELETE", ID: "Delete"})
				}
			}
		}
	}
	if d.o.Pull != nil {
		list = append(list, &service{"/pull", []*serviceMethod{{"POST", "Pull", []string{"peer", "study", "series", "patient", "task"}, nil, []string{"application/json"}}}})
	}
	if d.o.Feed != nil {
		list = append(list, &service{"/changefeed", []*serviceMethod{{"GET", "ChangeFeed", []string{"since", "limit"}, nil, []string{"application/json"}}}})
	}
	if d.o.Workitems != nil {
		const item = "/workitems/{workitem}"
		takes := []string{dicomJSON, dicomXML}
		list = append(list,
			&service{"/workitems", []*serviceMethod{{"GET", "SearchForWorkitems", []string{"{attribute}", "limit", "offset"}, nil, takes}, {"POST", "CreateWorkitem", []string{"workitem", "request", "patient", "task"}, takes, nil}}},
			&service{item, []*serviceMethod{{"GET", "RetrieveWorkitem", nil, nil, takes}, {"POST", "UpdateWorkitem", []string{"transaction-uid"}, takes, nil}}},
			&service{item + "/state", []*serviceMethod{{"PUT", "ChangeWorkitemState", nil, takes, nil}}},
			&service{item + "/cancelrequest", []*serviceMethod{{"POST", "RequestWorkitemCancellation", nil, takes, nil}}},
			&service{item + "/subscribers/{aetitle}", []*serviceMethod{{"POST", "CreateSubscription", []string{"deletionlock", "filter"}, nil, nil}, {"DELETE", "DeleteSubscription", nil, nil, nil}}},
			&service{item + "/subscribers/{aetitle}/suspend", []*serviceMethod{{"POST", "SuspendGlobalSubscription", nil, nil, nil}}})
	}
	if d.o.Quarantine != nil {
		list = append(list, &service{"/rejections", []*serviceMethod{{"GET", "RejectionNotes", []string{"limit", "offset"}, nil, []string{"application/json"}}}}, &service{"/corrections", []*serviceMethod{{"GET", "Corrections", []string{"limit", "offset"}, nil, []string{"application/json"}}}}, &service{"/quarantine", []*serviceMethod{{"GET", "Quarantine", []string{"state", "limit", "offset"}, nil, []string{"application/json"}}}})
	}
	return list
}

// capabilities answers OPTIONS of any resource, and GET of the door itself.
func (d *Door) capabilities(w http.ResponseWriter, r *request) error {
	if r.Method == http.MethodOptions {
		if allow := d.allowed(r.URL.Path); allow != "" {
			w.Header().Set("Allow", allow)
		}
	}
	list := d.services()
	for _, m := range accepted(r.Request) {
		switch {
		case m.covers(wadlType):
			w.Header().Set("Content-Type", wadlType)
			_, err := w.Write(wadl(r.base, list))
			return ignore(err)
		case m.name == "application/json", m.name == dicomJSON:
			return writeJSON(w, http.StatusOK, map[string]any{"base": r.base, "services": list})
		}
	}
	return notAcceptable("capabilities are " + wadlType + " or application/json")
}

// allowed are the methods that the path has.
func (d *Door) allowed(path string) string {
	var methods []string
	for _, m := range []string{"GET", "POST", "PUT", "DELETE"} {
		if m == "DELETE" && d.o.Delete != DeleteUnused && strings.HasPrefix(path, "/studies") {
			continue
		}
		probe, err := http.NewRequest(m, path, http.NoBody) //nolint:noctx // is never sent
		if err != nil {
			return ""
		}
		if _, pattern := d.mux.Handler(probe); pattern != "" && !strings.HasPrefix(pattern, "OPTIONS") {
			if methods = append(methods, m); m == "GET" {
				methods = append(methods, "HEAD")
			}
		}
	}
	if methods == nil {
		return ""
	}
	return strings.Join(append(methods, "OPTIONS"), ", ")
}

// wadl writes the Web Application Description.
// https://www.w3.org/submissions/wadl/
func wadl(base string, list []*service) []byte {
	var b bytes.Buffer
	text := func(s string) string {
		var e bytes.Buffer
		_ = xml.EscapeText(&e, []byte(s)) // a buffer takes all
		return e.String()
	}
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<application xmlns="http://wadl.dev.java.net/2009/02"><resources base="` + text(base) + `">`)
	told := map[string]int{} // the ids of a document differ
	for _, s := range list {
		b.WriteString(`<resource path="` + text(strings.TrimPrefix(s.Path, "/")) + `">`)
		for _, m := range s.Methods {
			id := m.ID
			if told[m.ID]++; told[m.ID] > 1 {
				id += strconv.Itoa(told[m.ID])
			}
			b.WriteString(`<method name="` + m.Name + `" id="` + text(id) + `"><request>`)
			for _, p := range m.Parameters {
				b.WriteString(`<param name="` + text(p) + `" style="query"/>`)
			}
			for _, t := range m.Takes {
				b.WriteString(`<representation mediaType="` + text(t) + `"/>`)
			}
			b.WriteString(`</request><response>`)
			for _, t := range m.Gives {
				b.WriteString(`<representation mediaType="` + text(t) + `"/>`)
			}
			b.WriteString(`</response></method>`)
		}
		b.WriteString(`</resource>`)
	}
	b.WriteString(`</resources></application>`)
	return b.Bytes()
}
