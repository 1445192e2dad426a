package subscription

import (
	"net/http"
	"slices"

	"tenon/fhir/issue"
)

// Change is what happened to a resource.
type Change uint8

// The changes, which may be combined.
const (
	Create Change = 1 << iota
	Update
	Delete
)

// Topic is something that a subscriber can hear about. It stands for an R5
// SubscriptionTopic with resource triggers: the CapabilityStatement lists them.
// https://hl7.org/fhir/R5/subscriptiontopic.html
type Topic struct {
	URL, Title, Chinese string
	Type                string // of the resources; "" is any, which the filters name
	Query               string // search that they meet
	On                  Change
	// Changed are elements of which one must differ from the version before,
	// where there is one.
	Changed []string
}

const topicPrefix = "urn:tenon:topic:"

// Topics are those of this server.
var Topics = []Topic{
	{URL: topicPrefix + "case-stage", Title: "A stage of a case is handed over or moves on", Chinese: "病例阶段变更",
		Type: "Task", Query: "code=urn:tenon:stage|", On: Create | Update, Changed: []string{"status", "businessStatus"}},
	{URL: topicPrefix + "order", Title: "An order is written or changed", Chinese: "定制订单新建或变更",
		Type: "DeviceRequest", On: Create | Update},
	{URL: topicPrefix + "device-delivered", Title: "A device is delivered", Chinese: "器械已交付",
		Type: "SupplyDelivery", Query: "status=completed", On: Create | Update, Changed: []string{"status"}},
	{URL: topicPrefix + "follow-up", Title: "A follow-up is due: its Task says until when", Chinese: "随访到期",
		Type: "Task", Query: "code=urn:tenon:stage|S18", On: Create},
	{URL: topicPrefix + "resource", Title: "A resource is created, updated or deleted", Chinese: "资源新建、修改或删除", On: Create | Update | Delete},
	{URL: topicPrefix + "resource-created", Title: "A resource is created", Chinese: "资源新建", On: Create},
	{URL: topicPrefix + "resource-updated", Title: "A resource is updated", Chinese: "资源修改", On: Update},
	{URL: topicPrefix + "resource-deleted", Title: "A resource is deleted", Chinese: "资源删除", On: Delete},
}

// TopicOf is the topic with a canonical URL, or nil.
func TopicOf(url string) *Topic {
	i := slices.IndexFunc(Topics, func(t Topic) bool { return t.URL == url })
	if i < 0 {
		return nil
	}
	return &Topics[i]
}

// check refuses filters on types that the topic is not about.
func (t *Topic) check(filters []Filter) error {
	if t.Type == "" && len(filters) == 0 {
		return issue.Errorf(issue.Required, "The topic %s is about any type: name yours with a filter, Type?search, in the extension %s.", t.URL, extFilter).
			WithStatus(http.StatusUnprocessableEntity).At("Subscription.criteria.extension").Rule("subscription-filter").Chinese("请在筛选条件中指明资源类型。")
	}
	for _, f := range filters {
		if f.Type == "" && t.Type == "" || f.Type != "" && t.Type != "" && f.Type != t.Type {
			return wrong("Subscription.criteria.extension", "subscription-filter", "The filter on the type %q does not fit the topic %s", clipped(f.Type), t.URL)
		}
	}
	return nil
}

// Trigger is what makes an event: a change of a resource of the type that meets
// every one of the queries.
type Trigger struct {
	Type    string
	Queries []string
	On      Change
	Changed []string
}

// Triggers of a subscription, one for each type.
func (s *Spec) Triggers() []Trigger {
	if s.Topic == nil {
		f := s.Filters[0] // https://hl7.org/fhir/R4/subscription.html: created or updated
		return []Trigger{{Type: f.Type, Queries: queries(f.Query), On: Create | Update}}
	}
	if s.Topic.Type != "" {
		t := Trigger{Type: s.Topic.Type, Queries: queries(s.Topic.Query), On: s.Topic.On, Changed: s.Topic.Changed}
		for _, f := range s.Filters {
			t.Queries = append(t.Queries, queries(f.Query)...)
		}
		return []Trigger{t}
	}
	var all []Trigger
	for _, f := range s.Filters {
		i := slices.IndexFunc(all, func(t Trigger) bool { return t.Type == f.Type })
		if i < 0 {
			all = append(all, Trigger{Type: f.Type, On: s.Topic.On, Changed: s.Topic.Changed})
			i = len(all) - 1
		}
		all[i].Queries = append(all[i].Queries, queries(f.Query)...)
	}
	return all
}

func queries(q string) []string {
	if q == "" {
		return nil
	}
	return []string{q}
}
