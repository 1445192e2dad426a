package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tenon/fhir/tree"
)

// links are those of a searchset, each without the base.
func links(t *testing.T, body []byte) map[string]string {
	t.Helper()
	d, err := tree.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for l := range d.Root().Field("link").Items() {
		relation := l.Field("relation").Str()
		if out[relation] != "" {
			t.Errorf("there are two links %q", relation)
		}
		out[relation] = strings.TrimPrefix(l.Field("url").Str(), base+"/")
	}
	return out
}

// https://hl7.org/fhir/R4/http.html#paging: links in both directions, from GET
// and from POST alike, each a GET of the same query.
func TestPageLinks(t *testing.T) {
	h := realDoor(t)
	for i := range 7 {
		create(t, h, fmt.Sprintf(`{"resourceType":"Patient","gender":"male","name":[{"family":"F%d"}]}`, i/2))
	}
	const query = "gender=male&_sort=-family&_count=3&_total=accurate"
	form := must(t, h, 200, "POST", "/fhir/Patient/_search", query, "Content-Type: application/x-www-form-urlencoded").Body.Bytes()
	get := must(t, h, 200, "GET", "/fhir/Patient?"+query, "").Body.Bytes()
	first := links(t, get)
	if got := links(t, form); fmt.Sprint(got) != fmt.Sprint(first) {
		t.Errorf("links of POST = %v, of GET = %v", got, first)
	}
	if first["self"] != "Patient?"+query || first["first"] != first["self"] || first["previous"] != "" || first["next"] == "" {
		t.Errorf("links of the first page = %v", first)
	}
	ask := func(url string) (string, map[string]string) {
		ids, _, _ := find(t, h, url)
		return strings.Join(ids, " "), links(t, must(t, h, 200, "GET", "/fhir/"+url, "").Body.Bytes())
	}
	one, _ := ask(first["self"])
	two, second := ask(first["next"])
	three, third := ask(second["next"])
	if third["next"] != "" || third["first"] != first["self"] || third["self"] != second["next"] || strings.Count(three, " ") != 0 {
		t.Errorf("the last page of %q has links %v", three, third)
	}
	back, before := ask(third["previous"])
	if back != two {
		t.Errorf("before the third page is %q, want %q", back, two)
	}
	if got, _ := ask(before["previous"]); got != one {
		t.Errorf("before the second page is %q, want %q", got, one)
	}
	if got, _ := ask(before["next"]); got != three {
		t.Errorf("behind the second page is %q, want %q", got, three)
	}
	if got, _ := ask(before["first"]); got != one {
		t.Errorf("the first page is %q, want %q", got, one)
	}
	for name, url := range map[string]string{
		"another caller": second["previous"], "another query": strings.Replace(second["previous"], "male", "female", 1), "another count": strings.Replace(second["previous"], "_count=3", "_count=4", 1),
		"another type": strings.Replace(second["previous"], "Patient?", "Practitioner?", 1), "a changed cursor": second["previous"][:len(second["previous"])-6] + "AAAAAA",
	} {
		as := ""
		if name == "another caller" {
			as = "As: clin"
		}
		w := do(h, "GET", "/fhir/"+url, "", as)
		if w.Code != http.StatusBadRequest || outcome(t, w.Body.Bytes()) != "search-cursor" {
			t.Errorf("a page of %s = %d %s, want 400", name, w.Code, w.Body)
		}
	}
	whole := links(t, must(t, h, 200, "GET", "/fhir/Patient?gender=male", "").Body.Bytes())
	if len(whole) != 1 {
		t.Errorf("links of a result of one page = %v, want self only", whole)
	}
}

// https://hl7.org/fhir/R4/search.html#total
func TestTotals(t *testing.T) {
	h := realDoor(t)
	for range 5 {
		create(t, h, `{"resourceType":"Patient","gender":"male"}`)
	}
	for query, want := range map[string]string{
		"_total=accurate": "5", "_total=estimate": "5", "_total=none": "", "": "", "_summary=count": "5", "_count=0": "5",
		"_total=accurate&_count=2": "5", "_total=estimate&_count=2&_sort=-_id": "5", "_total=none&_count=2": "",
	} {
		w := must(t, h, 200, "GET", "/fhir/Patient?gender=male&"+query, "")
		d, err := tree.Parse(w.Body.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Root().Field("total").Text(); got != want {
			t.Errorf("%s: total = %q, want %q", query, got, want)
		}
		if strings.Contains(w.Body.String(), "search-total-estimated") {
			t.Errorf("%s: an exact total is called an estimate", query)
		}
	}
	must(t, h, 400, "GET", "/fhir/Patient?_total=some", "")
}
