package subscription

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// Extensions of the backport, http://hl7.org/fhir/uv/subscriptions-backport.
const (
	backport        = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
	Profile         = backport + "backport-subscription"
	extFilter       = backport + "backport-filter-criteria"
	extContent      = backport + "backport-payload-content"
	extHeartbeat    = backport + "backport-heartbeat-period"
	extTimeout      = backport + "backport-timeout"
	extMaxCount     = backport + "backport-max-count"
	extChannelType  = backport + "backport-channel-type"
	mostFilters     = 20
	mostHeaders     = 20
	mostText        = 4096
	mostBatch       = 100
	usualBatch      = 20
	usualTimeout    = 10 * time.Second
	longestTimeout  = time.Minute
	longestInterval = 7 * 24 * time.Hour
)

// The channels that are served.
const (
	RestHook  = "rest-hook"
	WebSocket = "websocket"
)

// What a notification carries (backport-payload-content).
const (
	Empty  = "empty"
	IDOnly = "id-only"
	Full   = "full-resource"
)

// Spec is what a Subscription asks for.
type Spec struct {
	Status   string // as the resource says: requested, active, error, off
	End      time.Time
	Topic    *Topic   // nil: criteria of R4
	Filters  []Filter // of the criteria or of the extension; at least one without a topic
	Channel  string   // RestHook or WebSocket
	Endpoint string
	Payload  string // media type, "" for none
	Content  string // Empty, IDOnly or Full
	Headers  []string

	Heartbeat time.Duration // 0: none
	Timeout   time.Duration // of one request
	MaxCount  int           // events of one notification
}

// Filter is a search on one type.
type Filter struct{ Type, Query string }

// Parse reads a Subscription that is a sound resource of its type.
// Failures: 422, with the element, the value and what is served.
func Parse(root tree.Node) (*Spec, error) {
	s := &Spec{Status: root.Field("status").Str(), Timeout: usualTimeout, MaxCount: usualBatch}
	if end := root.Field("end").Str(); end != "" {
		at, err := time.Parse(time.RFC3339, end)
		if err != nil {
			return nil, wrong("Subscription.end", "subscription-end", "%q is not an instant", end)
		}
		s.End = at
	}
	for _, read := range []func(tree.Node) error{s.criteria, s.channel, s.limits} {
		if err := read(root); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Backport tells a subscription to a topic from one with criteria of R4.
func (s *Spec) Backport() bool { return s.Topic != nil }

func wrong(path, rule, format string, args ...any) *issue.Failure {
	return issue.Errorf(issue.NotSupported, format+".", args...).WithStatus(http.StatusUnprocessableEntity).
		At(path).Rule(rule).Chinese("订阅内容不受支持。")
}

// clipped keeps what a client sent short in what it is told.
func clipped(s string) string {
	if len(s) > 80 {
		s = s[:80] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

func (s *Spec) criteria(root tree.Node) error {
	text := root.Field("criteria").Str()
	if len(text) > mostText {
		return wrong("Subscription.criteria", "subscription-criteria", "The criteria have %d bytes; %d are the most", len(text), mostText)
	}
	var filters []Filter
	for e := range extensions(root.Field("_criteria"), extFilter) {
		f, err := filterOf(e.Field("valueString").Str())
		if err != nil {
			return err
		}
		if filters = append(filters, f); len(filters) > mostFilters {
			return wrong("Subscription.criteria.extension", "subscription-filter", "There are more than %d filters", mostFilters)
		}
	}
	before, _, _ := strings.Cut(text, "?")
	if !strings.Contains(before, ":") {
		f, err := filterOf(text)
		if err == nil && f.Type == "" {
			err = wrong("Subscription.criteria", "subscription-criteria", "%q names no type: write Type?search, or the canonical URL of a topic", clipped(text))
		}
		if err == nil && len(filters) > 0 {
			err = wrong("Subscription.criteria.extension", "subscription-filter", "A filter narrows a topic; the criteria %q name none", clipped(text))
		}
		s.Filters = []Filter{f}
		return err
	}
	url, _, _ := strings.Cut(text, "|")
	if s.Topic = TopicOf(url); s.Topic == nil {
		return wrong("Subscription.criteria", "subscription-topic", "There is no topic %q; the CapabilityStatement lists those of this server", clipped(text))
	}
	s.Filters = filters
	return s.Topic.check(s.Filters)
}

// filterOf reads "Type?name=value" or, where the topic knows the type,
// "name=value".
func filterOf(text string) (Filter, error) {
	typ, query, found := strings.Cut(text, "?")
	if !found {
		typ, query = "", text
		if !strings.Contains(text, "=") {
			typ, query = text, ""
		}
	}
	if len(text) > mostText || text == "" || strings.ContainsFunc(typ, func(r rune) bool { return !(r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') }) {
		return Filter{}, wrong("Subscription.criteria", "subscription-criteria", "%q is not Type?search with at most %d bytes", clipped(text), mostText)
	}
	return Filter{typ, query}, nil
}

func (s *Spec) channel(root tree.Node) error {
	c := root.Field("channel")
	s.Channel, s.Endpoint, s.Payload = c.Field("type").Str(), c.Field("endpoint").Str(), c.Field("payload").Str()
	for range extensions(c.Field("_type"), extChannelType) {
		return wrong("Subscription.channel.type.extension", "subscription-channel", "No channels are served but rest-hook and websocket")
	}
	switch s.Channel {
	case RestHook:
		if err := endpoint(s.Endpoint); err != nil {
			return err
		}
	case WebSocket:
		if s.Endpoint != "" {
			return wrong("Subscription.channel.endpoint", "subscription-endpoint", "A websocket has no endpoint: the subscriber connects to this server")
		}
	default:
		return wrong("Subscription.channel.type", "subscription-channel", "The channel %q is not served; rest-hook and websocket are", clipped(s.Channel))
	}
	media, _, _ := strings.Cut(s.Payload, ";")
	if media != "" && media != "application/fhir+json" && media != "application/json" {
		return wrong("Subscription.channel.payload", "subscription-payload", "The payload %q is not served; application/fhir+json is, or none", clipped(s.Payload))
	}
	return s.headers(c)
}

func (s *Spec) headers(c tree.Node) error {
	for h := range c.Field("header").Items() {
		line := h.Str()
		name, value, ok := strings.Cut(line, ":")
		name = strings.TrimSpace(name)
		if !ok || len(line) > mostText || !sound(name, value) {
			return wrong("Subscription.channel.header", "subscription-header", "A header is Name: value, at most %d bytes on one line", mostText)
		}
		if slices.Contains(ownHeaders, http.CanonicalHeaderKey(name)) {
			return wrong("Subscription.channel.header", "subscription-header", "The header %s is set by the server", http.CanonicalHeaderKey(name))
		}
		if s.Headers = append(s.Headers, line); len(s.Headers) > mostHeaders {
			return wrong("Subscription.channel.header", "subscription-header", "There are more than %d headers", mostHeaders)
		}
	}
	return nil
}

// ownHeaders are those that a subscriber cannot set: they are of the connection,
// or say what the body is.
var ownHeaders = []string{
	"Host", "Content-Type", "Content-Length", "Content-Encoding", "Connection", "Transfer-Encoding", "Upgrade", "Te", "Trailer",
	"Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Expect", "User-Agent",
}

func endpoint(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || len(text) > mostText:
		return wrong("Subscription.channel.endpoint", "subscription-endpoint", "The endpoint of a rest-hook is an http(s) URL of at most %d bytes", mostText)
	case u.User != nil:
		return wrong("Subscription.channel.endpoint", "subscription-endpoint", "The endpoint holds a user or password, which every reader would see; send it as a header")
	case u.Fragment != "":
		return wrong("Subscription.channel.endpoint", "subscription-endpoint", "The endpoint has a fragment, which is never sent")
	}
	return nil
}

// limits reads what the extensions of a backport subscription say of delivery,
// and what notifications of either form carry.
func (s *Spec) limits(root tree.Node) error {
	c := root.Field("channel")
	for e := range extensions(c.Field("_payload"), extContent) {
		s.Content = e.Field("valueCode").Str()
	}
	switch {
	case s.Content == "" && s.Topic == nil:
		s.Content = map[bool]string{true: Empty, false: Full}[s.Payload == ""]
	case s.Content == "" || s.Topic == nil:
		return wrong("Subscription.channel.payload.extension", "subscription-content", "A subscription to a topic says with %s what notifications carry: empty, id-only or full-resource; no other may", extContent)
	case s.Content != Empty && s.Content != IDOnly && s.Content != Full:
		return wrong("Subscription.channel.payload.extension", "subscription-content", "%q is neither empty, id-only nor full-resource", clipped(s.Content))
	}
	if s.Topic != nil && s.Payload == "" {
		s.Payload = "application/fhir+json"
	}
	for _, l := range []struct {
		url, value string
		most       time.Duration
		set        func(n int64)
	}{
		{extHeartbeat, "valueUnsignedInt", longestInterval, func(n int64) { s.Heartbeat = time.Duration(n) * time.Second }},
		{extTimeout, "valueUnsignedInt", longestTimeout, func(n int64) { s.Timeout = time.Duration(n) * time.Second }},
		{extMaxCount, "valuePositiveInt", mostBatch * time.Second, func(n int64) { s.MaxCount = int(n) }},
	} {
		for e := range extensions(c, l.url) {
			n, err := strconv.ParseInt(string(e.Field(l.value).Raw()), 10, 64)
			if err != nil || n < 1 || n > int64(l.most/time.Second) {
				return wrong("Subscription.channel.extension", "subscription-limit", "%s is a number from 1 to %d", strings.TrimPrefix(l.url, backport), int64(l.most/time.Second))
			}
			l.set(n)
		}
	}
	return nil
}

// extensions of an element with one URL.
func extensions(n tree.Node, url string) func(func(tree.Node) bool) {
	return func(yield func(tree.Node) bool) {
		for e := range n.Field("extension").Items() {
			if e.Field("url").Str() == url && !yield(e) {
				return
			}
		}
	}
}
