package accesspolicy

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"tenon/test/servertest"
)

// question is one request and what the policy lets it show: a sorted list of what
// the answer must name, or the status of a refusal.
type question struct {
	way    int // of the ways to ask about one thing
	path   string
	body   string // of a POST
	status int    // 0: 200
	want   []string
	read   func(w *world, p *person, q *question, a *servertest.Answer) ([]string, error)
}

// found are the things of a type that a person finds, of those that match.
// looked is the highest level of what is asked of them.
func (w *world) found(p *person, typ string, match func(x *thing, v version) bool, looked int) (refs []string) {
	for _, x := range w.things {
		if v := x.now(); x.typ == typ && !v.deleted && match(x, v) && p.sees("s", x, v, looked) > 0 {
			refs = append(refs, x.ref())
		}
	}
	return refs
}

func (w *world) finds(p *person, ref string) bool {
	x := w.byRef[ref]
	return x != nil && !x.now().deleted && p.may("s", x, x.now())
}

// findsPart: an include brings what is shown in part.
func (w *world) findsPart(p *person, ref string) bool {
	x := w.byRef[ref]
	return x != nil && !x.now().deleted && p.sees("s", x, x.now(), 1) > 0
}

func all(*thing, version) bool { return true }

// codeParam and subjectParam are the search parameters of a type.
var codeParam = map[string]string{"Observation": "code", "Condition": "code", "DocumentReference": "type", "Device": "type", "Substance": "code", "Communication": "category"}

var subjectParam = map[string]string{"Observation": "subject", "Condition": "subject", "DocumentReference": "subject", "Communication": "subject", "Device": "patient", "RelatedPerson": "patient", "Task": "subject", "ImagingStudy": "subject"}

var types = strings.Fields("Patient Observation Condition DocumentReference Communication Device Substance Task RelatedPerson ImagingStudy")

// kinds are the ways to ask; each makes a random question.
var kinds = []struct {
	name string
	make func(w *world, p *person) *question
}{
	{"type", askType}, {"value", askValue}, {"value", askValue}, {"not", askNot}, {"filter", askFilter}, {"chain", askChain}, {"link chain", askLink}, {"link chain", askLink},
	{"has", askHas}, {"include", askInclude}, {"include link", askIncludeLink}, {"revinclude", askRevinclude}, {"count", askCount}, {"count", askCount}, {"case", askCase}, {"case", askCase},
	{"compartment", askCompartment}, {"type history", askHistory}, {"history", askInstance}, {"read", askRead}, {"vread", askVersion},
	{"everything", askEverything}, {"graphql", askGraphQL}, {"qido", askImages},
}

func (w *world) search(p *person, typ, query string, want []string) *question {
	q := &question{path: "/fhir/" + typ + "?" + query, want: w.labels(p, "s", want), read: bundleRefs}
	if !p.permitted("s", typ) {
		q.status, q.want = 403, nil
	}
	return q
}

func askType(w *world, p *person) *question {
	typ := pick(w, types)
	return w.search(p, typ, fmt.Sprintf("_count=%d", 3+w.r.IntN(40)), w.found(p, typ, all, 1))
}

// coded is a random type that has a code, and a code.
func (w *world) coded() (typ, param, code string) {
	typ = pick(w, strings.Fields("Observation Observation Condition DocumentReference Device Substance Communication"))
	return typ, codeParam[typ], pick(w, codes)
}

func askValue(w *world, p *person) *question {
	typ, param, code := w.coded()
	return w.search(p, typ, param+"="+code+"&_count=1000", w.found(p, typ, func(_ *thing, v version) bool { return v.code == code }, 1))
}

func askNot(w *world, p *person) *question {
	typ, param, code := w.coded()
	return w.search(p, typ, param+":not="+code+"&_count=1000", w.found(p, typ, func(_ *thing, v version) bool { return v.code != code }, 1))
}

func askFilter(w *world, p *person) *question {
	typ, param, code := w.coded()
	return w.search(p, typ, "_filter="+url.QueryEscape(param+" eq "+code)+"&_count=1000", w.found(p, typ, func(_ *thing, v version) bool { return v.code == code }, 1))
}

func askChain(w *world, p *person) *question {
	typ, gender := pick(w, strings.Fields("Observation Condition DocumentReference Communication Device Task ImagingStudy")), pick(w, []string{"male", "female"})
	return w.search(p, typ, subjectParam[typ]+":Patient.gender="+gender+"&_count=1000", w.found(p, typ, func(_ *thing, v version) bool {
		return w.finds(p, v.patient) && w.byRef[v.patient].now().gender == gender
	}, 4))
}

func askLink(w *world, p *person) *question {
	code := pick(w, codes)
	return w.search(p, "Observation", "has-member:Observation.code="+code+"&_count=1000", w.found(p, "Observation", func(_ *thing, v version) bool {
		return w.finds(p, v.link) && w.byRef[v.link].now().code == code
	}, 1))
}

func askHas(w *world, p *person) *question {
	code := pick(w, codes)
	of := map[string]bool{}
	for _, ref := range w.found(p, "Observation", func(_ *thing, v version) bool { return v.code == code }, 1) {
		of[w.byRef[ref].now().patient] = true
	}
	return w.search(p, "Patient", "_has:Observation:subject:code="+code+"&_count=1000", w.found(p, "Patient", func(x *thing, _ version) bool { return of[x.ref()] }, 1))
}

func (w *world) including(p *person, param string, to func(v version) string) *question {
	code := pick(w, codes)
	want := w.found(p, "Observation", func(_ *thing, v version) bool { return v.code == code }, 1)
	for _, ref := range slices.Clone(want) {
		if target := to(w.byRef[ref].now()); w.findsPart(p, target) && !slices.Contains(want, target) {
			want = append(want, target)
		}
	}
	return w.search(p, "Observation", "code="+code+"&_include=Observation:"+param+"&_count=1000", want)
}

func askInclude(w *world, p *person) *question {
	return w.including(p, "subject", func(v version) string { return v.patient })
}

func askIncludeLink(w *world, p *person) *question {
	return w.including(p, "has-member", func(v version) string { return v.link })
}

func askRevinclude(w *world, p *person) *question {
	gender, typ := pick(w, []string{"male", "female"}), pick(w, strings.Fields("Observation Condition Communication Task"))
	want := w.found(p, "Patient", func(_ *thing, v version) bool { return v.gender == gender }, 2)
	first := slices.Clone(want)
	want = append(want, w.found(p, typ, func(_ *thing, v version) bool { return slices.Contains(first, v.patient) }, 1)...)
	return w.search(p, "Patient", "gender="+gender+"&_revinclude="+typ+":"+subjectParam[typ]+"&_count=1000", want)
}

func askCount(w *world, p *person) *question {
	typ, param, code := w.coded()
	want := w.found(p, typ, func(_ *thing, v version) bool { return v.code == code }, 1)
	q := w.search(p, typ, param+"="+code+pick(w, []string{"&_summary=count", "&_count=0", "&_total=accurate&_count=1"}), []string{fmt.Sprint(len(want))})
	q.read = func(_ *world, _ *person, _ *question, a *servertest.Answer) ([]string, error) {
		var b struct{ Total *int }
		if err := json.Unmarshal(a.Body, &b); err != nil || b.Total == nil {
			return nil, fmt.Errorf("no total in %.300s", a.Body)
		}
		return []string{fmt.Sprint(*b.Total)}, nil
	}
	return q
}

func askCase(w *world, p *person) *question {
	typ, c := pick(w, types), pick(w, w.cases)
	return w.search(p, typ, "case=Task/"+c.id+"&_count=1000", w.found(p, typ, func(x *thing, _ version) bool {
		return w.finds(p, "Task/"+c.id) && slices.Contains(x.cases, c)
	}, 1))
}

func askCompartment(w *world, p *person) *question {
	typ, of := pick(w, strings.Fields("Observation Condition DocumentReference Communication ImagingStudy")), pick(w, w.pats)
	q := w.search(p, typ, "_count=1000", w.found(p, typ, func(_ *thing, v version) bool { return v.patient == of.ref() }, 1))
	q.path = "/fhir/" + of.ref() + "/" + typ + "?_count=1000"
	return q
}

// bundleRefs reads all pages: "Type/id" each.
func bundleRefs(w *world, p *person, q *question, a *servertest.Answer) (refs []string, err error) {
	for range 500 {
		var b struct {
			Link  []struct{ Relation, URL string }
			Entry []struct {
				Resource json.RawMessage
			}
		}
		if err := json.Unmarshal(a.Body, &b); err != nil {
			return nil, err
		}
		for _, e := range b.Entry {
			ref, err := w.came(e.Resource)
			if err != nil {
				return nil, err
			}
			refs = append(refs, ref)
		}
		next := ""
		for _, l := range b.Link {
			if l.Relation == "next" {
				next = l.URL
			}
		}
		if next == "" {
			return refs, nil
		}
		if a, err = w.send(p, strings.TrimPrefix(next, w.URL), ""); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s: pages without end", q.path)
}

func askHistory(w *world, p *person) *question {
	typ := pick(w, strings.Fields("Observation Observation Condition DocumentReference Patient"))
	q := &question{path: "/fhir/" + typ + "/_history?_count=1000", read: historyRefs}
	for _, x := range w.things {
		for _, v := range x.versions {
			if x.typ == typ && p.sees("s", x, v, 1) > 0 {
				q.want = append(q.want, fmt.Sprintf("%d %s", v.n, p.label("s", x, v)))
			}
		}
	}
	if !p.permitted("s", typ) {
		q.status, q.want = 403, nil
	}
	return q
}

// changed is a random thing, rather one with several versions.
func (w *world) changed() *thing {
	for range 6 {
		if x := pick(w, w.things); len(x.versions) > 1 {
			return x
		}
	}
	return pick(w, w.things)
}

func askInstance(w *world, p *person) *question {
	x := w.changed()
	q := &question{path: "/fhir/" + x.ref() + "/_history?_count=1000", read: historyRefs}
	for _, v := range x.versions {
		if p.sees("r", x, v, 1) > 0 {
			q.want = append(q.want, fmt.Sprintf("%d %s", v.n, p.label("r", x, v)))
		}
	}
	switch {
	case !p.permitted("r", x.typ):
		q.status = 403
	case len(q.want) == 0:
		q.status = 404
	}
	return q
}

func historyRefs(w *world, _ *person, _ *question, a *servertest.Answer) (refs []string, err error) {
	var b struct {
		Entry []struct {
			FullURL  string
			Resource json.RawMessage
			Response struct{ Etag string }
		}
	}
	err = json.Unmarshal(a.Body, &b)
	for _, e := range b.Entry {
		_, ref, _ := strings.Cut(e.FullURL, "/fhir/")
		tag, part, _ := strings.Cut(strings.Trim(e.Response.Etag, `W/"`), "-")
		if e.Resource != nil {
			if ref, err = w.came(e.Resource); err != nil {
				return nil, err
			}
		}
		if strings.Contains(ref, " ") != (part != "") {
			return nil, fmt.Errorf("%s has the tag %s", ref, e.Response.Etag)
		}
		refs = append(refs, tag+" "+ref)
	}
	return refs, err
}

func askRead(w *world, p *person) *question {
	x := pick(w, w.things)
	return w.reading(p, x, x.now(), "/fhir/"+x.ref())
}

func askVersion(w *world, p *person) *question {
	x := w.changed()
	v := pick(w, x.versions)
	return w.reading(p, x, v, fmt.Sprintf("/fhir/%s/_history/%d", x.ref(), v.n))
}

func (w *world) reading(p *person, x *thing, v version, path string) *question {
	q := &question{path: path, want: []string{p.label("r", x, v)}, read: func(w *world, _ *person, _ *question, a *servertest.Answer) ([]string, error) {
		ref, err := w.came(a.Body)
		if part := strings.Contains(a.Header.Get("ETag"), "-L"); err == nil && part != strings.Contains(ref, " ") {
			err = fmt.Errorf("%s has the tag %s", ref, a.Header.Get("ETag"))
		}
		return []string{ref}, err
	}}
	switch {
	case !p.permitted("r", x.typ):
		q.status = 403
	case p.sees("r", x, v, 1) == 0:
		q.status = 404
	case v.deleted:
		q.status = 410
	}
	return q
}

// askEverything: what comes is in reach, the patient and what is directly about
// the patient comes.
func askEverything(w *world, p *person) *question {
	x := pick(w, w.pats)
	q := &question{path: "/fhir/" + x.ref() + "/$everything?_count=1000", read: func(w *world, p *person, q *question, a *servertest.Answer) ([]string, error) {
		refs, err := bundleRefs(w, p, q, a)
		return slices.DeleteFunc(refs, func(ref string) bool {
			ref, _, _ = strings.Cut(ref, " ")
			x := w.byRef[ref]
			return x == nil && slices.Contains(directory, ref[:strings.IndexByte(ref, '/')]) || x != nil && p.may("r", x, x.now()) && (x.now().patient != q.subject() || x.typ == "Device")
		}), err
	}}
	for _, y := range w.things {
		// R4's compartment of a patient lacks Device: it may come or not
		if v := y.now(); v.patient == x.ref() && y.typ != "Device" && !v.deleted && p.sees("r", y, v, 1) > 0 {
			q.want = append(q.want, p.label("r", y, v))
		}
	}
	switch {
	case !p.permitted("r", "Patient"):
		q.status = 403
	case p.sees("r", x, x.now(), 1) == 0:
		q.status = 404
	}
	return q
}

func (q *question) subject() string {
	ref, _, _ := strings.Cut(strings.TrimPrefix(q.path, "/fhir/"), "/$")
	return ref
}

func askGraphQL(w *world, p *person) *question {
	code := pick(w, codes)
	query, _ := json.Marshal(`{ObservationList(code:"` + code + `",_count:1000){id subject{resource(optional:true){... on Patient{id}}}}}`)
	q := &question{path: "/fhir/$graphql", body: `{"query":` + string(query) + `}`, read: graphqlRefs}
	for _, ref := range w.found(p, "Observation", func(_ *thing, v version) bool { return v.code == code }, 1) {
		q.want = append(q.want, ref)
		x := w.byRef[w.byRef[ref].now().patient]
		switch {
		case x != nil && p.sees("r", x, x.now(), 1) > 0:
			q.want = append(q.want, ref+" "+x.ref())
		case x != nil && !p.permitted("r", "Patient"):
			q.status = 403
		}
	}
	if !p.permitted("s", "Observation") {
		q.status = 403
	}
	return q
}

func graphqlRefs(_ *world, _ *person, _ *question, a *servertest.Answer) (refs []string, err error) {
	var b struct {
		Data struct {
			ObservationList []struct {
				ID      string
				Subject struct{ Resource struct{ ID string } }
			}
		}
	}
	err = json.Unmarshal(a.Body, &b)
	for _, o := range b.Data.ObservationList {
		refs = append(refs, "Observation/"+o.ID)
		if id := o.Subject.Resource.ID; id != "" {
			refs = append(refs, "Observation/"+o.ID+" Patient/"+id)
		}
	}
	return refs, err
}

func askImages(w *world, p *person) *question {
	level := pick(w, []string{"studies", "series", "instances"})
	q := &question{path: "/dicomweb/" + level + "?limit=100", read: func(_ *world, _ *person, _ *question, a *servertest.Answer) (uids []string, err error) {
		if a.Status == 204 {
			return nil, nil
		}
		var list []map[string]struct{ Value []any }
		err = json.Unmarshal(a.Body, &list)
		for _, one := range list {
			uids = append(uids, fmt.Sprint(one["0020000D"].Value...))
		}
		return uids, err
	}}
	for _, x := range w.things {
		if x.typ == "ImagingStudy" && p.may("s", x, x.now()) {
			q.want = append(q.want, x.study)
		}
	}
	if !p.permitted("s", "ImagingStudy") {
		q.status, q.want = 403, nil
	}
	return q
}
