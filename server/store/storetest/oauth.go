package storetest

import (
	"context"
	"crypto/sha256"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"tenon/oauth"
	"tenon/oauth/webauthn"
)

var oauthTests = map[string]func(*fixture){
	"apps": apps, "grants": appGrants, "slips": slips, "slips race": slipsRace, "logins": logins, "passkeys": passkeys, "passkeys race": passkeysRace,
}

func passkeys(f *fixture) {
	made := func(id, principal string, counter uint32) *oauth.Passkey {
		return &oauth.Passkey{Credential: webauthn.Credential{ID: []byte(id), Key: []byte("k"), Counter: counter, Movable: counter == 0}, Principal: principal, Name: "钥匙", Created: Start}
	}
	put := func(tenant string, k *oauth.Passkey, want bool) {
		if fresh, err := f.PutPasskey(f.ctx(), tenant, k, 10); err != nil || fresh != want {
			f.Errorf("PutPasskey(%s, %s) = %v, %v, want %v", tenant, k.ID, fresh, err, want)
		}
	}
	put("main", made("a", "Patient/a", 5), true)
	put("main", made("b", "Patient/a", 0), true)
	put("main", made("a", "Patient/b", 5), false) // an id is of one person
	put("other", made("a", "Patient/b", 5), true)
	use := func(id string, counter uint32, want bool) {
		if ok, err := f.UsePasskey(f.ctx(), "main", "Patient/a", []byte(id), counter, Start.Add(time.Minute)); err != nil || ok != want {
			f.Errorf("UsePasskey(%s, %d) = %v, %v, want %v", id, counter, ok, err, want)
		}
	}
	use("a", 5, false)
	use("a", 0, false)
	use("a", 6, true)
	use("a", 6, false)
	use("b", 0, true)
	use("b", 0, true)
	use("b", 1, true)
	use("b", 0, false)
	if ok, err := f.UsePasskey(f.ctx(), "main", "Patient/b", []byte("a"), 9, Start); err != nil || ok {
		f.Errorf("UsePasskey of another's = %v, %v", ok, err)
	}
	want := []*oauth.Passkey{made("a", "Patient/a", 6), made("b", "Patient/a", 1)}
	want[1].Movable = true
	for _, k := range want {
		k.Used = Start.Add(time.Minute)
	}
	if list, err := f.Passkeys(f.ctx(), "main", "Patient/a"); err != nil || !reflect.DeepEqual(list, want) {
		f.Errorf("Passkeys = %v, %v, want %v", list, err, want)
	}
	if found, err := f.RemovePasskey(f.ctx(), "main", "Patient/b", []byte("a"), false); err != nil || found {
		f.Errorf("RemovePasskey of another's = %v, %v", found, err)
	}
	if found, err := f.RemovePasskey(f.ctx(), "main", "Patient/a", []byte("a"), false); err != nil || !found {
		f.Errorf("RemovePasskey = %v, %v", found, err)
	}
	if found, err := f.RemovePasskeys(f.ctx(), "main", "Patient/a"); err != nil || !found {
		f.Errorf("RemovePasskeys = %v, %v", found, err)
	}
	if list, err := f.Passkeys(f.ctx(), "main", "Patient/a"); err != nil || len(list) != 0 {
		f.Errorf("Passkeys after that = %v, %v", list, err)
	}
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
	now, until := Start, Start.Add(time.Minute)
	for i := range 5 {
		judged, err := f.LoginAttempt(f.ctx(), "main", "wang", 3, now, until)
		if err != nil || judged != (i < 3) {
			f.Errorf("LoginAttempt %d = %v, %v, want it judged below the limit", i+1, judged, err)
		}
		l, err := f.Login(f.ctx(), "main", "wang")
		if err != nil || l.Failures != i+1 || l.Locked.IsZero() != (i < 2) {
			f.Errorf("after %d failures: %+v, %v", i+1, l, err)
		}
	}
	if judged, err := f.LoginAttempt(f.ctx(), "main", "wang", 3, until, until.Add(time.Minute)); err != nil || !judged {
		f.Errorf("LoginAttempt after the lock = %v, %v", judged, err)
	}
	f.must(f.LoginRight(f.ctx(), "main", "wang"))
	if l, err := f.Login(f.ctx(), "main", "wang"); err != nil || l.Failures != 0 || !l.Locked.IsZero() || l.Principal != "PractitionerRole/w" || l.Hash != "h" {
		f.Errorf("after success: %+v, %v", l, err)
	}
	loginsRace(f)
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

// loginsRace: of sixteen passwords at once as many are judged as of sixteen one after
// the other, and all are counted.
func loginsRace(f *fixture) {
	var judged atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			ok, err := f.LoginAttempt(f.ctx(), "main", "wang", 5, Start, Start.Add(time.Minute))
			f.must(err)
			if ok {
				judged.Add(1)
			}
		})
	}
	all.Wait()
	l, err := f.Login(f.ctx(), "main", "wang")
	if err != nil || judged.Load() != 5 || l.Failures != 16 {
		f.Errorf("%d of 16 passwords at once were judged and %+v counted, %v; want 5 and 16", judged.Load(), l, err)
	}
	f.must(f.LoginRight(f.ctx(), "main", "wang"))
}

// passkeysRace: who adds or removes several keys at once has no more than the limit,
// and keeps the last.
func passkeysRace(f *fixture) {
	count := func(principal string) int {
		list, err := f.Passkeys(f.ctx(), "main", principal)
		f.must(err)
		return len(list)
	}
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			k := &oauth.Passkey{Credential: webauthn.Credential{ID: []byte{'r', byte(i)}, Key: []byte("k")}, Principal: "Patient/r", Name: "k", Created: Start}
			_, err := f.PutPasskey(f.ctx(), "main", k, 10)
			f.must(err)
		})
	}
	all.Wait()
	if n := count("Patient/r"); n != 10 {
		f.Errorf("%d keys after 16 at once, want 10", n)
	}
	for i := range 16 {
		all.Go(func() {
			_, err := f.RemovePasskey(f.ctx(), "main", "Patient/r", []byte{'r', byte(i)}, true)
			f.must(err)
		})
	}
	all.Wait()
	list, err := f.Passkeys(f.ctx(), "main", "Patient/r")
	if err != nil || len(list) != 1 {
		f.Fatalf("%d keys are left of those that were removed at once, want the last, %v", len(list), err)
	}
	f.must(f.PutFactor(f.ctx(), "main", &oauth.Factor{Principal: "Patient/r", Sealed: []byte("s"), Created: Start}))
	if found, err := f.RemovePasskey(f.ctx(), "main", "Patient/r", list[0].ID, true); err != nil || !found || count("Patient/r") != 0 {
		f.Errorf("RemovePasskey beside an authenticator app = %v, %v", found, err)
	}
}
