package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
)

// Subscriptions is what the door needs for the operations of
// http://hl7.org/fhir/uv/subscriptions-backport; nil in Options: none are served.
type Subscriptions interface {
	// Status is the Bundle of $status; alone: not-found where the one id is out of
	// reach. ids nil asks for all.
	Status(ctx context.Context, who *access.Context, ids, status []string, alone bool) ([]byte, error)
	// Events is the Bundle of $events, with numbers from since to until (0: none).
	Events(ctx context.Context, who *access.Context, id string, since, until int64, content string) ([]byte, error)
	// Bind makes a token for a websocket at the address.
	Bind(ctx context.Context, who *access.Context, ids []string) (token string, expires time.Time, address string, err error)
	// Topics are the canonical URLs of what can be subscribed to.
	Topics() []string
	// SocketURL is where websockets connect.
	SocketURL() string
}

// subscriptionRoutes are the operations on subscriptions.
func (d *Door) subscriptionRoutes() []route {
	if d.o.Subscriptions == nil {
		return nil
	}
	return []route{
		{"GET", "/Subscription/$status", d.subscriptionStatus, false},
		{"POST", "/Subscription/$status", d.subscriptionStatus, false},
		{"GET", "/Subscription/:id/$status", d.subscriptionStatus, false},
		{"POST", "/Subscription/:id/$status", d.subscriptionStatus, false},
		{"GET", "/Subscription/:id/$events", d.subscriptionEvents, false},
		{"POST", "/Subscription/:id/$events", d.subscriptionEvents, false},
		{"GET", "/Subscription/$get-ws-binding-token", d.subscriptionToken, false},
		{"POST", "/Subscription/$get-ws-binding-token", d.subscriptionToken, false},
		{"GET", "/Subscription/:id/$get-ws-binding-token", d.subscriptionToken, false},
		{"POST", "/Subscription/:id/$get-ws-binding-token", d.subscriptionToken, false},
	}
}

// subscriptionExtension lists the topics on rest.resource and the address of
// websockets on rest.
func (d *Door) subscriptionExtension() (onType, onRest []extension) {
	if d.o.Subscriptions == nil {
		return nil, nil
	}
	for _, url := range d.o.Subscriptions.Topics() {
		onType = append(onType, extension{URL: "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/capabilitystatement-subscriptiontopic-canonical", ValueCanonical: url})
	}
	if at := d.o.Subscriptions.SocketURL(); at != "" {
		onRest = []extension{{URL: "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket", ValueURI: at}}
	}
	return onType, onRest
}

// extension is one of the few that the statement has.
type extension struct {
	URL            string `json:"url"`
	ValueCanonical string `json:"valueCanonical,omitempty"`
	ValueURI       string `json:"valueUri,omitempty"`
}

// mostAsked bounds the ids of one question.
const mostAsked = 100

// asked are the parameters of an operation by name: of the query, and of a
// Parameters resource in the body.
func (c *call) subscriptionAsked(known ...string) (map[string][]string, error) {
	all := map[string][]string{}
	add := func(name, value string) error {
		ok := false
		for _, k := range known {
			ok = ok || k == name
		}
		if !ok {
			return issue.Errorf(issue.NotSupported, "The operation has no parameter %q; it has %s.", clip(name), strings.Join(known, ", ")).
				WithStatus(400).At(clip(name)).Rule("operation-parameter").Chinese("该操作不支持此参数。")
		}
		if all[name] = append(all[name], value); len(all[name]) > mostAsked {
			return issue.Errorf(issue.TooCostly, "The parameter %s comes more than %d times.", name, mostAsked).WithStatus(400).At(name).Rule("operation-parameter").Chinese("参数过多。")
		}
		return nil
	}
	for name, values := range c.QueryParams() {
		if name == "_format" || name == "_pretty" {
			continue
		}
		for _, v := range values {
			for _, part := range strings.Split(v, ",") {
				if err := add(name, part); err != nil {
					return nil, err
				}
			}
		}
	}
	if c.Request().Method != http.MethodPost || c.Request().ContentLength == 0 {
		return all, nil
	}
	body, err := c.resource()
	if err != nil {
		return nil, err
	}
	root, err := nodeOf(body)
	if err != nil {
		return nil, err
	}
	for p := range root.Field("parameter").Items() {
		if err := add(p.Field("name").Str(), valueOf(p)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// valueOf is the value of a parameter as text.
func valueOf(p tree.Node) string {
	for name, n := range p.Fields() {
		if strings.HasPrefix(name, "value") {
			if n.Kind() == tree.String {
				return n.Str()
			}
			return string(n.Raw())
		}
	}
	return ""
}

// subscriptionStatus is
// http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-status
func (d *Door) subscriptionStatus(c *call) error {
	id := c.Param("id")
	known := []string{"id", "status"}
	if id != "" {
		known = nil
	}
	asked, err := c.subscriptionAsked(known...)
	if err != nil {
		return err
	}
	ids := asked["id"]
	for i := range ids {
		ids[i] = strings.TrimPrefix(ids[i], "Subscription/")
	}
	if id != "" {
		ids = []string{id}
	}
	body, err := d.o.Subscriptions.Status(c.ctx(), c.who, ids, asked["status"], id != "")
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, body)
}

// subscriptionEvents is
// http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-events
func (d *Door) subscriptionEvents(c *call) error {
	asked, err := c.subscriptionAsked("eventsSinceNumber", "eventsUntilNumber", "content")
	if err != nil {
		return err
	}
	since, err := eventNumber(asked, "eventsSinceNumber")
	if err != nil {
		return err
	}
	until, err := eventNumber(asked, "eventsUntilNumber")
	if err != nil {
		return err
	}
	content := last(asked["content"])
	switch content {
	case "", "empty", "id-only", "full-resource":
	default:
		return issue.Errorf(issue.Value, "%q is neither empty, id-only nor full-resource.", clip(content)).WithStatus(400).At("content").Rule("subscription-content").Chinese("content 参数无效。")
	}
	body, err := d.o.Subscriptions.Events(c.ctx(), c.who, c.Param("id"), since, until, content)
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, body)
}

func last(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

func eventNumber(asked map[string][]string, name string) (int64, error) {
	text := last(asked[name])
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, issue.Errorf(issue.Value, "%q is not the number of an event.", clip(text)).WithStatus(400).At(name).Rule("event-number").Chinese("事件编号无效。")
	}
	return n, nil
}

// subscriptionToken is
// http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-get-ws-binding-token
func (d *Door) subscriptionToken(c *call) error {
	id := c.Param("id")
	known := []string{"id", "ids"}
	if id != "" {
		known = nil
	}
	asked, err := c.subscriptionAsked(known...)
	if err != nil {
		return err
	}
	ids := append(asked["id"], asked["ids"]...)
	if id != "" {
		ids = []string{id}
	}
	if len(ids) == 0 {
		return issue.Errorf(issue.Required, "Name the subscriptions to bind with the parameter id.").WithStatus(400).At("id").Rule("operation-parameter").Chinese("缺少参数 id。")
	}
	for i := range ids {
		ids[i] = strings.TrimPrefix(ids[i], "Subscription/")
	}
	token, expires, address, err := d.o.Subscriptions.Bind(c.ctx(), c.who, ids)
	if err != nil {
		return err
	}
	type parameter struct {
		Name          string `json:"name"`
		ValueString   string `json:"valueString,omitempty"`
		ValueDateTime string `json:"valueDateTime,omitempty"`
		ValueURL      string `json:"valueUrl,omitempty"`
	}
	list := []parameter{{Name: "token", ValueString: token}, {Name: "expiration", ValueDateTime: expires.UTC().Format(time.RFC3339)}}
	for _, one := range ids {
		list = append(list, parameter{Name: "subscription", ValueString: one})
	}
	list = append(list, parameter{Name: "websocket-url", ValueURL: address})
	body, err := json.Marshal(struct {
		ResourceType string      `json:"resourceType"`
		Parameter    []parameter `json:"parameter"`
	}{"Parameters", list})
	if err != nil {
		return err
	}
	c.set("Cache-Control", "no-store")
	return c.send(http.StatusOK, body)
}
