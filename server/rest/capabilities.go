package rest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/server/search"
)

// metadata is https://hl7.org/fhir/R4/http.html#capabilities
func (d *Door) metadata(c *call) error {
	if mode := c.QueryParam("mode"); mode != "" && mode != "full" && mode != "normative" {
		return issue.Errorf(issue.NotSupported, "metadata has no mode %q; it is served as full.", clip(mode)).
			WithStatus(400).At("mode").Rule("metadata-mode").Chinese("metadata 不支持该 mode。")
	}
	now := d.o.Definitions()
	made := d.capabilities.Load()
	if made == nil || made.registry != now.Search {
		body, err := d.statement(now.Search)
		if err != nil {
			return err
		}
		made = &capabilities{now.Search, body}
		d.capabilities.Store(made)
	}
	return c.send(http.StatusOK, made.body)
}

// capabilities is the statement as it was made of the search parameters that
// were in force.
type capabilities struct {
	registry *search.Registry
	body     []byte
}

// The parts of a CapabilityStatement that are used here.
// https://hl7.org/fhir/R4/capabilitystatement.html
type (
	statement struct {
		ResourceType   string         `json:"resourceType"`
		Status         string         `json:"status"`
		Date           string         `json:"date"`
		Publisher      string         `json:"publisher"`
		Kind           string         `json:"kind"`
		Software       software       `json:"software"`
		Implementation implementation `json:"implementation"`
		FHIRVersion    string         `json:"fhirVersion"`
		Format         []string       `json:"format"`
		PatchFormat    []string       `json:"patchFormat"`
		Rest           []restPart     `json:"rest"`
	}
	software struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}
	implementation struct {
		Description string `json:"description"`
		URL         string `json:"url,omitempty"`
	}
	restPart struct {
		Mode          string         `json:"mode"`
		Documentation string         `json:"documentation"`
		Security      *securityPart  `json:"security,omitempty"`
		Resource      []resourcePart `json:"resource"`
		Interaction   []code         `json:"interaction"`
		Operation     []operation    `json:"operation,omitempty"`
		Extension     []extension    `json:"extension,omitempty"`
		Compartment   []string       `json:"compartment,omitempty"`
	}
	securityPart struct {
		Extension []securityExtension `json:"extension,omitempty"`
		CORS      bool                `json:"cors"`
		Service   []securityService   `json:"service,omitempty"`
	}
	securityExtension struct {
		URL       string        `json:"url"`
		Extension []securityURI `json:"extension"`
	}
	securityURI struct {
		URL   string `json:"url"`
		Value string `json:"valueUri"`
	}
	securityService struct {
		Coding []securityCoding `json:"coding"`
	}
	securityCoding struct {
		System string `json:"system"`
		Code   string `json:"code"`
	}
	code struct {
		Code string `json:"code"`
	}
	resourcePart struct {
		Extension         []extension `json:"extension,omitempty"`
		Type              string      `json:"type"`
		Interaction       []code      `json:"interaction"`
		Versioning        string      `json:"versioning"`
		ReadHistory       bool        `json:"readHistory"`
		UpdateCreate      bool        `json:"updateCreate"`
		ConditionalCreate bool        `json:"conditionalCreate"`
		ConditionalRead   string      `json:"conditionalRead"`
		ConditionalUpdate bool        `json:"conditionalUpdate"`
		ConditionalDelete string      `json:"conditionalDelete"`
		SearchInclude     []string    `json:"searchInclude,omitempty"`
		SearchRevInclude  []string    `json:"searchRevInclude,omitempty"`
		SearchParam       []param     `json:"searchParam"`
		Operation         []operation `json:"operation,omitempty"`
	}
	param struct {
		Name       string `json:"name"`
		Definition string `json:"definition,omitempty"`
		Type       string `json:"type"`
	}
	operation struct {
		Name       string `json:"name"`
		Definition string `json:"definition"`
	}
)

// interactions names the routes by which a type is served.
var interactions = map[string]string{
	"GET /:type/:id": "read", "GET /:type/:id/_history/:version": "vread", "PUT /:type/:id": "update",
	"PATCH /:type/:id": "patch", "DELETE /:type/:id": "delete", "GET /:type/:id/_history": "history-instance",
	"GET /:type/_history": "history-type",
	"POST /:type":         "create", "GET /:type": "search-type",
}

// backportOperation begins the URLs of the operations on subscriptions.
const backportOperation = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-"

// definitions of operations that HL7 defines; the others are ours.
var definitions = map[string]string{
	"apply": "http://hl7.org/fhir/OperationDefinition/PlanDefinition-apply", "validate": "http://hl7.org/fhir/OperationDefinition/Resource-validate",
	"snapshot": "http://hl7.org/fhir/OperationDefinition/StructureDefinition-snapshot",
	"export":   "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export", "Patient export": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export", "Group export": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export",
	"meta":     "http://hl7.org/fhir/OperationDefinition/Resource-meta",
	"meta-add": "http://hl7.org/fhir/OperationDefinition/Resource-meta-add", "meta-delete": "http://hl7.org/fhir/OperationDefinition/Resource-meta-delete",
	"Patient everything": "http://hl7.org/fhir/OperationDefinition/Patient-everything", "Encounter everything": "http://hl7.org/fhir/OperationDefinition/Encounter-everything",
	"graphql": "http://hl7.org/fhir/OperationDefinition/Resource-graphql", "lastn": "http://hl7.org/fhir/OperationDefinition/Observation-lastn",
	"docref": "http://hl7.org/fhir/uv/ipa/OperationDefinition/docref",
	"match":  "http://hl7.org/fhir/OperationDefinition/Patient-match",
	"merge":  "http://hl7.org/fhir/OperationDefinition/Patient-merge",
	"lookup": "http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup", "subsumes": "http://hl7.org/fhir/OperationDefinition/CodeSystem-subsumes",
	"Subscription status": backportOperation + "status", "Subscription events": backportOperation + "events",
	"Subscription get-ws-binding-token": backportOperation + "get-ws-binding-token",
	"CodeSystem validate-code":          "http://hl7.org/fhir/OperationDefinition/CodeSystem-validate-code",
	"ValueSet validate-code":            "http://hl7.org/fhir/OperationDefinition/ValueSet-validate-code",
	"expand":                            "http://hl7.org/fhir/OperationDefinition/ValueSet-expand", "translate": "http://hl7.org/fhir/OperationDefinition/ConceptMap-translate",
}

// statement is made from the routes and the search parameters that are served.
func (d *Door) statement(registry *search.Registry) ([]byte, error) {
	released := d.o.Released
	if released.IsZero() {
		released = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	part := restPart{Mode: "server", Interaction: []code{{"transaction"}, {"batch"}, {"history-system"}, {"search-system"}},
		Compartment:   compartments(d.o.Model),
		Documentation: "FHIR R4 in JSON and XML. Every request needs a token but this one. What a caller cannot reach reads as absent."}
	part.Security = d.security()
	topics, sockets := d.subscriptionExtension()
	part.Extension = sockets
	for _, r := range d.routes() {
		if name, ok := strings.CutPrefix(r.path, "/$"); ok && r.method == "POST" {
			part.Operation = append(part.Operation, operation{name, definitionOf("", name)})
		}
	}
	reverse := d.reverse(registry)
	for _, typ := range d.o.Model.Resources() {
		if typ == "AuditEvent" {
			part.Resource = append(part.Resource, auditPart())
			continue
		}
		part.Resource = append(part.Resource, d.resourcePart(registry, typ, reverse[typ]))
		if typ == "Subscription" {
			part.Resource[len(part.Resource)-1].Extension = topics
		}
	}
	return json.Marshal(statement{
		ResourceType: "CapabilityStatement", Status: "active", Date: released.UTC().Format("2006-01-02"), Publisher: d.o.Software,
		Kind: "instance", Software: software{d.o.Software, d.o.Version},
		Implementation: implementation{"Standards-based server for medical devices made for one patient", d.o.BaseURL},
		FHIRVersion:    "4.0.1", Format: []string{"application/fhir+json", "json", "application/fhir+xml", "xml"}, PatchFormat: patchFormats, Rest: []restPart{part},
	})
}

// Security is where tokens come from.
type Security struct{ Authorize, Token, Introspect, Revoke string }

// security is https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html#declaring-support-for-oauth2-endpoints
func (d *Door) security() *securityPart {
	p := &securityPart{CORS: len(d.o.Origins) > 0 || d.o.Origin != nil}
	if at := d.o.Security; at != nil {
		p.Extension = []securityExtension{{"http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
			[]securityURI{{"authorize", at.Authorize}, {"token", at.Token}, {"introspect", at.Introspect}, {"revoke", at.Revoke}}}}
		p.Service = []securityService{{[]securityCoding{{"http://terminology.hl7.org/CodeSystem/restful-security-service", "SMART-on-FHIR"}}}}
	}
	if !p.CORS && p.Service == nil {
		return nil
	}
	return p
}

func (d *Door) resourcePart(registry *search.Registry, typ string, reverse []string) resourcePart {
	p := resourcePart{Type: typ, Versioning: "versioned", ReadHistory: true, UpdateCreate: d.o.UpdateAsCreate, ConditionalCreate: true,
		ConditionalRead: "full-support", ConditionalUpdate: true, ConditionalDelete: "single", SearchRevInclude: reverse}
	if d.o.DeleteSeveral {
		p.ConditionalDelete = "multiple"
	}
	for _, r := range d.routes() {
		if name, ok := interactions[r.method+" "+r.path]; ok {
			p.Interaction = append(p.Interaction, code{name})
		}
		if op, ok := operationOn(typ, r.path); ok && !slices.Contains(p.Operation, op) {
			p.Operation = append(p.Operation, op)
		}
	}
	slices.SortFunc(p.Operation, func(a, b operation) int { return strings.Compare(a.Name, b.Name) })
	for _, sp := range served(registry, typ) {
		p.SearchParam = append(p.SearchParam, param{Name: sp.Code, Definition: sp.URL, Type: sp.Type})
		if sp.Type == "reference" {
			p.SearchInclude = append(p.SearchInclude, typ+":"+sp.Code)
		}
	}
	return p
}

// operationOn reads an operation off a route's path.
func operationOn(typ, path string) (operation, bool) {
	at := strings.LastIndex(path, "/$")
	if at < 0 || !strings.HasPrefix(path, "/:type/") && !strings.HasPrefix(path, "/"+typ+"/") {
		return operation{}, false
	}
	name := path[at+2:]
	return operation{name, definitionOf(typ, name)}, true
}

// definitionOf is the canonical URL of an operation on a type, or on the system.
func definitionOf(typ, name string) string {
	if definition, ok := definitions[typ+" "+name]; ok {
		return definition
	}
	if definition, ok := definitions[name]; ok {
		return definition
	}
	return "urn:tenon:operation:" + name
}

// reverse lists, for each type, the reference parameters that name it as their
// target. Those that can point to anything are left out; they work all the same.
func (d *Door) reverse(registry *search.Registry) map[string][]string {
	all := map[string][]string{}
	for _, source := range d.o.Model.Resources() {
		for _, sp := range served(registry, source) {
			if sp.Type != "reference" || len(sp.Targets) > 40 {
				continue
			}
			for _, target := range sp.Targets {
				all[target] = append(all[target], source+":"+sp.Code)
			}
		}
	}
	return all
}

func served(r *search.Registry, typ string) []*search.Parameter {
	return slices.DeleteFunc(slices.Clone(r.Parameters(typ)), func(p *search.Parameter) bool { return !p.Served })
}
