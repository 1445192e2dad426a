package storetest

import (
	"context"
	"crypto/sha256"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"tenon/oauth"
)

var oauthTests = map[string]func(*fixture){
	"apps": apps, "grants": appGrants, "slips": slips, "slips race": slipsRace, "logins": logins,
}

func apps(f *fixture) {
	c := &oauth.Client{ID: "app", Tenant: "main", Name: "影像 App", Redirects: []string{"https://app.test/cb"}, Scopes: []string{"patient/*.rs"}}
	f.must(f.PutClient(f.ctx(), c))
	if got, err := f.Client(f.ctx(), "main", "app"); err != nil || !reflect.DeepEqual(got, c) {
		f.Errorf("Client = %+v, %v, want %+v", got, err, c)
	}
	if got, err := f.Client(f.ctx(), "other", "app"); err != nil || got != nil {
		f.Errorf("Client of another tenant = %v, %v", got, err)
	}
	f.must(f.PutGrant(f.ctx(), &oauth.Grant{ID: "g", Tenant: "main", Client: "app", Principal: "Patient/a", Created: Start, Expires: time.Now().Add(time.Hour)}))
	if list, err := f.Clients(f.ctx(), "main"); err != nil || len(list) != 1 {
		f.Errorf("Clients = %v, %v", list, err)
	}
	if found, err := f.RemoveClient(f.ctx(), "main", "app"); err != nil || !found {
		f.Errorf("RemoveClient = %v, %v", found, err)
	}
	if found, err := f.RemoveClient(f.ctx(), "main", "app"); err != nil || found {
		f.Errorf("RemoveClient again = %v, %v", found, err)
	}
	if g, err := f.Grant(f.ctx(), "g"); err != nil || !g.Revoked {
		f.Errorf("the grant of a removed app = %+v, %v, want it revoked", g, err)
	}
}

func appGrants(f *fixture) {
	banner := true
	g := &oauth.Grant{ID: "g", Tenant: "main", Client: "app", Principal: "Patient/a", Created: Start, Expires: time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond),
		Terms: oauth.Terms{Scope: "openid patient/*.rs", Patient: "Patient/a", Banner: &banner}}
	f.must(f.PutGrant(f.ctx(), g))
	if got, err := f.Grant(f.ctx(), "g"); err != nil || got.Scope != g.Scope || got.Patient != g.Patient || !*got.Banner || !got.Expires.Equal(g.Expires) || got.Revoked {
		f.Errorf("Grant = %+v, %v, want %+v", got, err, g)
	}
	f.must(f.RevokeGrant(f.ctx(), "g"))
	if got, err := f.Grant(f.ctx(), "g"); err != nil || !got.Revoked {
		f.Errorf("Grant = %+v, %v, want it revoked", got, err)
	}
	if got, err := f.Grant(f.ctx(), "none"); err != nil || got != nil {
		f.Errorf("Grant = %+v, %v, want none", got, err)
	}
	f.must(f.PutGrant(f.ctx(), &oauth.Grant{ID: "old", Tenant: "main", Created: Start, Expires: time.Now().Add(-48 * time.Hour)}))
	f.must(f.PutGrant(f.ctx(), &oauth.Grant{ID: "new", Tenant: "main", Created: Start, Expires: time.Now().Add(time.Hour)}))
	if got, err := f.Grant(f.ctx(), "old"); err != nil || got != nil {
		f.Errorf("a grant that expired long ago = %+v, %v, want none", got, err)
	}
	t := oauth.Token{Hash: sha256.Sum256([]byte("t")), Principal: "Patient/a", Tenant: "main", Issued: Start, Expires: Start.Add(time.Hour), Grant: "g", Scope: "patient/*.rs"}
	f.must(f.PutToken(f.ctx(), t))
	if got, err := f.Token(f.ctx(), t.Hash); err != nil || got.Grant != "g" || got.Scope != t.Scope {
		f.Errorf("Token = %+v, %v", got, err)
	}
}

func slips(f *fixture) {
	s := &oauth.Slip{Kind: "code", Hash: sha256.Sum256([]byte("c")), Grant: "g", Expires: Start.Add(time.Minute), Body: `{"a":1}`}
	if fresh, err := f.PutSlip(f.ctx(), s); err != nil || !fresh {
		f.Errorf("PutSlip = %v, %v", fresh, err)
	}
	if fresh, err := f.PutSlip(f.ctx(), s); err != nil || fresh {
		f.Errorf("PutSlip again = %v, %v, want it known", fresh, err)
	}
	if got, err := f.Slip(f.ctx(), "code", s.Hash); err != nil || !got.Expires.Equal(s.Expires) || got.Body != s.Body || !got.Used.IsZero() {
		f.Errorf("Slip = %+v, %v", got, err)
	}
	if got, err := f.Slip(f.ctx(), "refresh", s.Hash); err != nil || got != nil {
		f.Errorf("a slip of another kind = %+v, %v", got, err)
	}
	if first, err := f.UseSlip(f.ctx(), "refresh", s.Hash, Start); err != nil || first {
		f.Errorf("UseSlip of another kind = %v, %v", first, err)
	}
	if first, err := f.UseSlip(f.ctx(), "code", s.Hash, Start); err != nil || !first {
		f.Errorf("UseSlip = %v, %v", first, err)
	}
	if got, err := f.Slip(f.ctx(), "code", s.Hash); err != nil || !got.Used.Equal(Start) {
		f.Errorf("Slip = %+v, %v, want it used", got, err)
	}
}

// Of 16 who use a slip at once, one is the first.
func slipsRace(f *fixture) {
	s := &oauth.Slip{Kind: "code", Hash: sha256.Sum256([]byte("c")), Expires: Start}
	if _, err := f.PutSlip(f.ctx(), s); err != nil {
		f.Fatal(err)
	}
	var all sync.WaitGroup
	var won atomic.Int32
	for range 16 {
		all.Go(func() {
			first, err := f.UseSlip(context.Background(), "code", s.Hash, Start)
			if err != nil {
				f.Error(err)
			}
			if first {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		f.Errorf("%d were the first to use a slip, want 1", won.Load())
	}
}

func logins(f *fixture) {
	f.must(f.PutLogin(f.ctx(), "main", &oauth.Login{Name: "wang", Principal: "PractitionerRole/w", Hash: "h"}))
	until := Start.Add(time.Minute)
	for i := range 3 {
		f.must(f.LoginFailed(f.ctx(), "main", "wang", false, 3, until))
		l, err := f.Login(f.ctx(), "main", "wang")
		if err != nil || l.Failures != i+1 || l.Locked.IsZero() != (i < 2) {
			f.Errorf("after %d failures: %+v, %v", i+1, l, err)
		}
	}
	f.must(f.LoginFailed(f.ctx(), "main", "wang", true, 3, until))
	if l, err := f.Login(f.ctx(), "main", "wang"); err != nil || l.Failures != 0 || !l.Locked.IsZero() || l.Principal != "PractitionerRole/w" || l.Hash != "h" {
		f.Errorf("after success: %+v, %v", l, err)
	}
	if l, err := f.Login(f.ctx(), "other", "wang"); err != nil || l != nil {
		f.Errorf("Login of another tenant = %+v, %v", l, err)
	}
	if found, err := f.RemoveLogin(f.ctx(), "main", "wang"); err != nil || !found {
		f.Errorf("RemoveLogin = %v, %v", found, err)
	}
	if l, err := f.Login(f.ctx(), "main", "wang"); err != nil || l != nil {
		f.Errorf("a removed login = %+v, %v", l, err)
	}
}
