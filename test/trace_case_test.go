package test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tenon/cmd/tenon/demo"
	"tenon/server/app"
	"tenon/test/servertest"
)

// graph is what $trace answered, all pages of it.
type graph struct {
	nodes, items map[string]string // Type/id → version, item
	edges        []string          // "From element To"
	signatures   []string          // "target purpose role"
	patients     map[string]bool
	pages        int
}

func (h *house) graph(token, query string) *graph {
	h.t.Helper()
	g := &graph{nodes: map[string]string{}, items: map[string]string{}, patients: map[string]bool{}}
	for path := "/fhir/$trace?" + query; path != ""; g.pages++ {
		a := h.Expect(h.t, 200, servertest.Request{Token: token, Path: path})
		next := ""
		for name, parts := range eachParameter(h.t, a.Body) {
			switch name {
			case "node":
				ref, version, _ := strings.Cut(parts["reference"], "/_history/")
				g.nodes[ref], g.patients[parts["patient"]] = version, true
				if parts["item"] != "" {
					g.items[parts["item"]] = ref
				}
				if parts["sha-256"] == "" || parts["when"] == "" || version == "" {
					h.t.Errorf("the node %v has no version, time or digest", parts)
				}
			case "edge":
				g.edges = append(g.edges, parts["from"]+" "+parts["element"]+" "+parts["to"])
			case "signature":
				g.signatures = append(g.signatures, parts["target"]+" "+parts["purpose"]+" "+parts["role"])
			case "next":
				_, next, _ = strings.Cut(parts["next"], "/fhir/")
			}
		}
		if path = ""; next != "" {
			path = "/fhir/" + next
		}
	}
	return g
}

// eachParameter gives name and parts of each parameter of Parameters.
func eachParameter(t testing.TB, body []byte) func(yield func(string, map[string]string) bool) {
	t.Helper()
	var in struct{ Parameter []map[string]any }
	if err := json.Unmarshal(body, &in); err != nil {
		t.Fatal(err)
	}
	return func(yield func(string, map[string]string) bool) {
		for _, p := range in.Parameter {
			parts := map[string]string{}
			if uri, ok := p["valueUri"].(string); ok {
				parts["next"] = uri
			}
			list, _ := p["part"].([]any)
			for _, x := range list {
				part := x.(map[string]any)
				for kind, v := range part {
					if kind == "name" {
						continue
					}
					if r, ok := v.(map[string]any); ok {
						v = r["reference"]
					}
					parts[part["name"].(string)] += fmt.Sprint(v)
				}
			}
			if !yield(p["name"].(string), parts) {
				return
			}
		}
	}
}

// TestTrace follows a whole case from what a person has in hand.
func TestTrace(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: a whole case takes some seconds")
	}
	dir := t.TempDir()
	if _, err := demo.Run(t.Context(), demo.Options{Seed: 3, Keep: dir}); err != nil {
		t.Fatal(err)
	}
	h := &house{servertest.Start(t, app.Config{Data: dir, Database: "sqlite", Sample: true}), t}
	wang := h.as("clin-wang")
	first := func(path string) map[string]any {
		var bundle struct {
			Entry []struct{ Resource map[string]any }
		}
		a := h.Expect(t, 200, servertest.Request{Token: wang, Path: "/fhir/" + path})
		if err := json.Unmarshal(a.Body, &bundle); err != nil || len(bundle.Entry) == 0 {
			t.Fatalf("%s finds nothing: %s", path, a.Body)
		}
		return bundle.Entry[0].Resource
	}
	device, order := first("Device?patient:missing=false"), first("DeviceRequest")
	deviceRef, orderRef := "Device/"+device["id"].(string), "DeviceRequest/"+order["id"].(string)
	study := first("ImagingStudy?status=available")
	uid := strings.TrimPrefix(study["identifier"].([]any)[0].(map[string]any)["value"].(string), "urn:oid:")
	series := study["series"].([]any)[0].(map[string]any)["uid"].(string)
	code, _ := device["distinctIdentifier"].(string)
	if carrier, ok := device["udiCarrier"].([]any); ok {
		code = carrier[0].(map[string]any)["carrierHRF"].(string)
	}
	whole := h.graph(wang, "order="+orderRef)
	t.Run("R001-144 the unique code leads to all eight items", func(t *testing.T) {
		g := h.graph(wang, "udi="+url.QueryEscape(code))
		for _, item := range []string{"data-source", "data-format", "confirmation", "custom-requirement", "design-list", "design-file", "production-list", "delivery-list"} {
			if g.items[item] == "" {
				t.Errorf("there is no %s among %v", item, g.items)
			}
		}
		if g.nodes[orderRef] == "" || g.nodes["ImagingStudy/"+study["id"].(string)] == "" {
			t.Error("order or images are missing")
		}
	})
	t.Run("R001-144 an image leads to the device", func(t *testing.T) {
		for _, image := range []string{uid, series} {
			if g := h.graph(wang, "image="+image); g.nodes[deviceRef] == "" {
				t.Errorf("image=%s does not lead to %s", image, deviceRef)
			}
		}
	})
	t.Run("R000-002 the query is closed: every beginning gives the same graph", func(t *testing.T) {
		for _, query := range []string{"order=" + strings.TrimPrefix(orderRef, "DeviceRequest/"), "lot=" + url.QueryEscape(fmt.Sprint(device["lotNumber"])),
			"order=" + orderRef + "&_count=7"} {
			g := h.graph(wang, query)
			if len(g.nodes) != len(whole.nodes) || len(g.edges) != len(whole.edges) || len(g.signatures) != len(whole.signatures) {
				t.Errorf("%s gives %d nodes, %d edges, %d signatures; want %d, %d, %d", query, len(g.nodes), len(g.edges), len(g.signatures), len(whole.nodes), len(whole.edges), len(whole.signatures))
			}
		}
		if g := h.graph(wang, "order="+orderRef+"&_count=7"); g.pages < 5 {
			t.Errorf("pages of 7 are %d, want several", g.pages)
		}
	})
	t.Run("edges have their meaning", func(t *testing.T) {
		if !slices.ContainsFunc(whole.edges, func(e string) bool {
			return strings.HasPrefix(e, orderRef+"/_history/") && strings.Contains(e, " DeviceRequest.basedOn CarePlan/")
		}) {
			t.Errorf("the order is based on no CarePlan: %v", whole.edges)
		}
		if !slices.ContainsFunc(whole.signatures, func(s string) bool {
			return strings.HasPrefix(s, orderRef+"/_history/") && strings.HasSuffix(s, " order MFR")
		}) {
			t.Errorf("the manufacturer's signature of the order is missing: %v", whole.signatures)
		}
	})
	t.Run("R000-010 out of reach reads as absent", func(t *testing.T) {
		if a := h.Send(t, servertest.Request{Token: h.as("des-liu"), Path: "/fhir/$trace?order=" + orderRef}); a.Status != 404 {
			t.Errorf("a designer outside the team = %d, want 404", a.Status)
		}
		if a := h.Send(t, servertest.Request{Token: wang, Path: "/fhir/$trace?order=none"}); a.Status != 404 {
			t.Errorf("what is not there = %d, want 404", a.Status)
		}
	})
	t.Run("R001-144 recall by machine and by material", func(t *testing.T) {
		for _, query := range []string{"machine=Device/printer", "material=Substance/ti64-lot", "lot=" + url.QueryEscape(fmt.Sprint(device["lotNumber"])), "software=Device/cad"} {
			a := h.Expect(t, 200, servertest.Request{Token: h.as("qa-wu"), Path: "/fhir/$recall?" + query})
			found := 0
			for name, parts := range eachParameter(t, a.Body) {
				if name == "case" {
					found++
					if parts["state"] != "implanted" || !strings.HasPrefix(parts["patient"], "Patient/") || parts["device"] == "" {
						t.Errorf("%s says %v", query, parts)
					}
				}
			}
			if found != 1 {
				t.Errorf("%s finds %d cases, want 1: %s", query, found, a.Body)
			}
		}
		for who, want := range map[string]int{"des-zhang": 403, "clin-wang": 403} {
			if a := h.Send(t, servertest.Request{Token: h.as(who), Path: "/fhir/$recall?machine=Device/printer"}); a.Status != want {
				t.Errorf("recall by %s = %d, want %d", who, a.Status, want)
			}
		}
	})
}

// TestTraceBegins: on both engines a trace begins with what is shared or in no
// case, and refuses what it does not understand.
func TestTraceBegins(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, h *house) {
		wang := h.as("clin-wang")
		patient, root := h.open(wang, "T-1")
		device := h.Create(t, wang, `{"resourceType":"Device","extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":"`+root+`"}}],"status":"active","lotNumber":"LOT-1",`+
			`"patient":{"reference":"`+patient+`"},"udiCarrier":[{"carrierHRF":"(01)06901234567892(10)LOT-1(21)7"}]}`)
		for _, query := range []string{"udi=" + url.QueryEscape("]d2010690123456789210LOT-1\x1d217"), "lot=LOT-1", "machine=" + device} {
			g := h.graph(wang, query)
			if g.nodes[device] != "1" || g.nodes[root] == "" || g.nodes[patient] == "" {
				t.Errorf("%s = %v, want device, case and patient", query, g.nodes)
			}
		}
		loose := h.Create(t, wang, `{"resourceType":"Device","status":"active","serialNumber":"S-9"}`)
		if g := h.graph(wang, "machine=S-9"); len(g.nodes) != 1 || g.nodes[loose] != "1" {
			t.Errorf("a device in no case = %v, want itself", g.nodes)
		}
		if a := h.Send(t, servertest.Request{Token: h.as("clin-zhao"), Path: "/fhir/$trace?lot=LOT-9"}); a.Status != 404 {
			t.Errorf("an unknown lot = %d, want 404", a.Status)
		}
		for query, want := range map[string]int{"": 400, "lot=": 400, "lot=a&udi=b": 400, "nonsense=1": 400, "lot=LOT-1&_count=0": 400, "lot=LOT-1&_cursor=%25": 400} {
			if a := h.Send(t, servertest.Request{Token: wang, Path: "/fhir/$trace?" + query}); a.Status != want {
				t.Errorf("$trace?%s = %d %.200s, want %d", query, a.Status, a.Body, want)
			}
		}
		if a := h.Send(t, servertest.Request{Token: h.as("qa-wu"), Path: "/fhir/$recall?udi=x"}); a.Status != 400 {
			t.Errorf("recall by what it does not take = %d, want 400", a.Status)
		}
	})
}
