package feed

import (
	"context"
	"net/http"
	"net/url"
	"reflect"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/dispatch/subscription"
	"tenon/server/record"
)

// silent are types that nobody can subscribe to: their changes come of
// subscriptions themselves, or they are written by nobody.
var silent = map[string]bool{"Subscription": true, "AuditEvent": true}

// Admit implements record.Subscriptions. The subscriber is who created the
// subscription; others may but switch it off, since what is told is what the
// subscriber may see. Where an app asked, that is what its scopes leave of it: they
// are kept as a row of the same transaction.
func (e *Engine) Admit(ctx context.Context, who *access.Context, id string, before *record.Version, root tree.Node) ([]byte, []any, error) {
	spec, err := subscription.Parse(root)
	if err != nil {
		return nil, nil, err
	}
	if before != nil {
		held, err := e.holds(ctx, who, before)
		if err != nil {
			return nil, nil, err
		}
		// whoever may no longer subscribe may still switch off
		if off := onlyOff(before, spec); !held || off == nil {
			return nil, nil, off
		}
	}
	if err := e.mayBegin(ctx, who, before, spec); err != nil {
		return nil, nil, err
	}
	if err := e.mayTell(ctx, who, id, spec); err != nil {
		return nil, nil, err
	}
	body, err := e.keepHeaders(ctx, id, spec, root)
	return body, warrantOf(who, id), err
}

// holds tells whether a subscription is the caller's: whose first version it wrote,
// and, where an app did that for a person, by this app within its scopes.
func (e *Engine) holds(ctx context.Context, who *access.Context, before *record.Version) (bool, error) {
	subscriber, err := e.subscriber(ctx, before)
	if err != nil {
		return false, err
	}
	w, err := e.o.Store.Warrant(ctx, before.ID)
	return w.holds(who, subscriber), err
}

// mayTell judges what is told, and where to.
func (e *Engine) mayTell(ctx context.Context, who *access.Context, id string, spec *subscription.Spec) error {
	for _, t := range spec.Triggers() {
		if silent[t.Type] {
			return issue.Errorf(issue.NotSupported, "Nobody can subscribe to changes of %s.", t.Type).
				WithStatus(422).At("Subscription.criteria").Rule("subscription-type").Chinese("不支持订阅该资源类型。")
		}
		if err := who.Permit(access.Read, t.Type); err != nil {
			return err
		}
		if _, err := e.plan(who, t); err != nil {
			return inCriteria(err)
		}
	}
	if spec.Channel != subscription.RestHook {
		return nil
	}
	u, err := url.Parse(spec.Endpoint)
	if err == nil {
		err = e.o.Permit(u)
	}
	if err == nil {
		err = e.record.Outlet(ctx, who, "Subscription/"+id, spec.Endpoint)
	}
	return err
}

// inCriteria says where a search of the criteria went wrong.
func inCriteria(err error) error {
	f := issue.As(err)
	if f == nil {
		return err
	}
	for i := range f.Issues {
		if f.Issues[i].Path != "Subscription.criteria" {
			f.Issues[i].Text = f.Issues[i].Path + ": " + f.Issues[i].Text
			f.Issues[i].Path = "Subscription.criteria"
		}
	}
	return f.WithStatus(http.StatusUnprocessableEntity)
}

// subscriber is the author of the first version.
func (e *Engine) subscriber(ctx context.Context, before *record.Version) (string, error) {
	if before.Deleted {
		return "", issue.Errorf(issue.Conflict, "Subscription/%s was deleted, and its numbers with it; create a new one.", before.ID).
			Rule("subscription-deleted").WithStatus(409).Chinese("订阅已删除，请新建订阅。")
	}
	first, err := e.o.Store.Versions(ctx, false, record.VersionRef{Type: "Subscription", ID: before.ID, Version: 1})
	if err != nil || len(first) == 0 {
		return "", err
	}
	return first[0].Author, nil
}

// onlyOff lets those who are not the subscriber switch a subscription off, and
// change nothing else of it.
func onlyOff(before *record.Version, now *subscription.Spec) error {
	if was, err := specOf(before.Body); err == nil && now.Status == "off" {
		was.Status = now.Status
		if reflect.DeepEqual(was, now) {
			return nil
		}
	}
	return issue.Errorf(issue.Forbidden, "Subscription/%s tells what its subscriber may see, so only the subscriber changes it; others may set the status off, or delete it.", before.ID).
		At("Subscription").Rule("subscription-subscriber").Chinese("仅订阅者本人可修改订阅，其他人只能停用。")
}

// mayBegin judges who subscribes, with which status, and how often already.
func (e *Engine) mayBegin(ctx context.Context, who *access.Context, before *record.Version, spec *subscription.Spec) error {
	if before == nil && spec.Status != "requested" && spec.Status != "off" {
		return issue.Errorf(issue.Value, "A new subscription has the status requested; the server says when it is active.").
			WithStatus(422).At("Subscription.status").Rule("subscription-status").Chinese("新建订阅的状态应为 requested。")
	}
	if who.Kind == access.System && who.Organization == "" {
		return issue.Errorf(issue.Forbidden, "%s has no owner, so nobody would answer for its subscription.", who.Principal).
			At("Subscription").Rule("subscription-owner").Chinese("该系统没有所属机构，不能创建订阅。")
	}
	if spec.Status == "off" {
		return nil
	}
	n, err := e.o.Store.SubscriptionsOf(ctx, who.Principal)
	if err != nil {
		return err
	}
	if before == nil && n >= e.o.Most || n > e.o.Most {
		return issue.Errorf(issue.TooCostly, "%s has %d subscriptions, which is the most; switch others off first.", who.Principal, n).
			WithStatus(422).At("Subscription").Rule("subscription-count").Chinese("订阅数量已达上限。")
	}
	return nil
}

// keepHeaders puts the values of headers into the vault and names in their place.
func (e *Engine) keepHeaders(ctx context.Context, id string, spec *subscription.Spec, root tree.Node) ([]byte, error) {
	if len(spec.Headers) == 0 {
		return nil, nil
	}
	known, err := e.o.Store.ChannelSecrets(ctx, id)
	if err != nil {
		return nil, err
	}
	lines := make([]string, len(spec.Headers))
	for i, line := range spec.Headers {
		h := subscription.HeaderOf(line)
		if h.Secret != "" {
			if _, ok := known[h.Secret]; !ok {
				return nil, issue.Errorf(issue.Value, "The header %s refers to a value that is not kept for this subscription; write the value itself.", h.Name).
					WithStatus(422).At("Subscription.channel.header").Rule("subscription-header").Chinese("请重新填写该请求头的值。")
			}
			lines[i] = h.Reference()
			continue
		}
		var sealed []byte
		if h.Secret, sealed, err = e.vault.seal(id, h.Value); err != nil {
			return nil, err
		}
		if err := e.o.Store.PutChannelSecret(ctx, h.Secret, id, sealed); err != nil {
			return nil, err
		}
		lines[i] = h.Reference()
	}
	return subscription.WithHeaders(root, lines), nil
}
