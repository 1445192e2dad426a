package oauth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tenon/fhir/tree"
)

// Brands are how the hospital and what else answers at this server are shown to
// patients who look for their provider: the operator's Bundle, which is served as
// it was written.
// https://hl7.org/fhir/smart-app-launch/STU2.2/brands.html
type Brands struct {
	body          []byte
	etag          string
	system, value string // of the primary brand
}

// largestBrands bounds the file.
const largestBrands = 4 << 20

// ReadBrands judges a Bundle for the server at base, which one of its endpoints
// must be. The primary brand is the first Organization that refers to that.
func ReadBrands(body []byte, base string) (*Brands, error) {
	if len(body) > largestBrands {
		return nil, fmt.Errorf("the bundle has more than %d bytes", largestBrands)
	}
	d, err := tree.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("the bundle is no JSON: %w", err)
	}
	root := d.Root()
	switch {
	case root.Field("resourceType").Str() != "Bundle" || root.Field("type").Str() != "collection":
		return nil, errors.New("it is a Bundle of type collection")
	case root.Field("timestamp").Str() == "":
		return nil, errors.New("Bundle.timestamp says when it was changed last")
	case strangeAbsence(root):
		return nil, errors.New("the only reasons for absent data are asked-declined and asked-unknown")
	}
	endpoints, organizations, err := brandEntries(root)
	if err != nil {
		return nil, err
	}
	primary, err := primaryBrand(endpoints, organizations, base)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	b := &Brands{body: body, etag: `W/"` + hex.EncodeToString(sum[:8]) + `"`}
	b.system, b.value, err = identifierOf(primary, organizations)
	return b, err
}

type branded struct {
	url  string
	root tree.Node
}

func brandEntries(root tree.Node) (endpoints, organizations []branded, err error) {
	for e := range root.Field("entry").Items() {
		one := branded{e.Field("fullUrl").Str(), e.Field("resource")}
		switch typ := one.root.Field("resourceType").Str(); typ {
		case "Endpoint":
			endpoints = append(endpoints, one)
		case "Organization":
			organizations = append(organizations, one)
		default:
			return nil, nil, fmt.Errorf("an entry is an Organization or an Endpoint, not %q", clip(typ))
		}
	}
	return endpoints, organizations, nil
}

// names tells whether an Organization refers to an Endpoint.
func (b *branded) names(endpoint *branded) bool {
	for ref := range b.root.Field("endpoint").Items() {
		to := ref.Field("reference").Str()
		if to != "" && (to == endpoint.url || to == "Endpoint/"+endpoint.root.Field("id").Str()) {
			return true
		}
	}
	return false
}

// primaryBrand is that of this server; every endpoint must have one.
func primaryBrand(endpoints, organizations []branded, base string) (*branded, error) {
	var primary *branded
	for i := range endpoints {
		by := slices.IndexFunc(organizations, func(o branded) bool { return o.names(&endpoints[i]) })
		address := strings.TrimRight(endpoints[i].root.Field("address").Str(), "/")
		if by < 0 {
			return nil, fmt.Errorf("no Organization refers to the Endpoint %s", clip(address))
		}
		if address == strings.TrimRight(base, "/") && primary == nil {
			primary = &organizations[by]
		}
	}
	if primary == nil {
		return nil, fmt.Errorf("no Endpoint has the address of this server, %s", base)
	}
	return primary, nil
}

// identifierOf is an identifier of the primary brand that no other has.
func identifierOf(primary *branded, organizations []branded) (system, value string, err error) {
	for n := range primary.root.Field("identifier").Items() {
		system, value = n.Field("system").Str(), n.Field("value").Str()
		count := 0
		for i := range organizations {
			for other := range organizations[i].root.Field("identifier").Items() {
				if other.Field("system").Str() == system && other.Field("value").Str() == value {
					count++
				}
			}
		}
		if value != "" && count == 1 {
			return system, value, nil
		}
	}
	return "", "", errors.New("the Organization of this server needs an identifier with a value that no other has")
}

// strangeAbsence finds a data-absent-reason that brands do not have.
func strangeAbsence(n tree.Node) bool {
	if n.Field("url").Str() == "http://hl7.org/fhir/StructureDefinition/data-absent-reason" {
		code := n.Field("valueCode").Str()
		return code != "asked-declined" && code != "asked-unknown"
	}
	for _, member := range n.Fields() {
		for item := range member.Items() { // of a list, or the one that is none
			if item.Kind() == tree.Object && strangeAbsence(item) {
				return true
			}
		}
	}
	return false
}

func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}

// brands serves the Bundle to anybody, from any origin.
func (s *Server) brands(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Expose-Headers", "ETag")
	w.Header().Set("ETag", s.Brands.etag)
	w.Header().Set("Cache-Control", "public, max-age=300")
	if r.Method == http.MethodOptions {
		w.Header().Set("Access-Control-Allow-Methods", "GET, HEAD")
		w.Header().Set("Access-Control-Allow-Headers", "Accept, If-None-Match")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if strings.Contains(r.Header.Get("If-None-Match"), strings.TrimPrefix(s.Brands.etag, "W/")) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/fhir+json")
	_, _ = w.Write(s.Brands.body)
}
