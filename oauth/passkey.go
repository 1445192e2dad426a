package oauth

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tenon/oauth/webauthn"
)

// A security key (passkey) as second factor: the browser signs the address of the
// page with it, so that no other site can ask for it.
// https://www.w3.org/TR/webauthn-2/

// Passkey is a credential of a person's authenticator.
type Passkey struct {
	webauthn.Credential
	Principal string
	Name      string // what the person calls it
	Created   time.Time
	Used      time.Time // last; zero: never
}

// Passkeys keeps them. An id is of one person.
type Passkeys interface {
	// PutPasskey returns false where the id is known, of whomever, and where the person
	// has most keys already, however many come at once.
	PutPasskey(ctx context.Context, tenant string, k *Passkey, most int) (fresh bool, err error)
	// Passkeys are those of a person, the oldest first.
	Passkeys(ctx context.Context, tenant, principal string) ([]*Passkey, error)
	// UsePasskey moves the count forward: true for one caller alone, and for none
	// whose count is not later, but where nothing is counted at all.
	UsePasskey(ctx context.Context, tenant, principal string, id []byte, counter uint32, at time.Time) (bool, error)
	// RemovePasskey returns false where the person has no such key. With keep the
	// person's last second factor stays, however many are removed at once.
	RemovePasskey(ctx context.Context, tenant, principal string, id []byte, keep bool) (bool, error)
	RemovePasskeys(ctx context.Context, tenant, principal string) (bool, error)
}

// mostPasskeys bounds what one person keeps.
const mostPasskeys = 10

// party is this server as authenticators know it.
func (s *Server) party() webauthn.Party {
	u, err := url.Parse(s.Issuer())
	if err != nil {
		return webauthn.Party{}
	}
	host := u.Host
	if u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80" {
		host = strings.TrimSuffix(host, ":"+u.Port()) // no origin names the port that its scheme has anyway
	}
	return webauthn.Party{ID: u.Hostname(), Origin: u.Scheme + "://" + strings.ToLower(host)}
}

// unpadded is how scripts and servers tell bytes to each other.
var unpadded = base64.RawURLEncoding.Strict()

// credentialRef names a credential to the browser.
type credentialRef struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

func refsOf(keys []*Passkey) []credentialRef {
	list := make([]credentialRef, 0, len(keys))
	for _, k := range keys {
		list = append(list, credentialRef{"public-key", unpadded.EncodeToString(k.ID)})
	}
	return list
}

// ceremonyTime is how long a browser waits for the person, in milliseconds.
const ceremonyTime = 120_000

// showOptions is what the script hands to navigator.credentials.get.
// https://www.w3.org/TR/webauthn-2/#dictionary-assertion-options
func (s *Server) showOptions(challenge string, keys []*Passkey) (string, error) {
	b, err := json.Marshal(map[string]any{"challenge": challenge, "rpId": s.party().ID, "timeout": ceremonyTime, "userVerification": "required", "allowCredentials": refsOf(keys)})
	return string(b), err
}

// makeOptions is what it hands to navigator.credentials.create.
// https://www.w3.org/TR/webauthn-2/#dictionary-makecredentialoptions
func (s *Server) makeOptions(challenge, principal, name string, keys []*Passkey) (string, error) {
	var algorithms []map[string]any
	for _, alg := range webauthn.Algorithms {
		algorithms = append(algorithms, map[string]any{"type": "public-key", "alg": alg})
	}
	b, err := json.Marshal(map[string]any{"challenge": challenge, "rp": map[string]string{"id": s.party().ID, "name": "Tenon"},
		"user":             map[string]string{"id": s.derived("passkey user", s.Tenant+"\x00"+principal), "name": name, "displayName": name},
		"pubKeyCredParams": algorithms, "timeout": ceremonyTime, "attestation": "none", "excludeCredentials": refsOf(keys),
		"authenticatorSelection": map[string]any{"userVerification": "required", "residentKey": "discouraged", "requireResidentKey": false}})
	return string(b), err
}

// bytesOf are fields of a form that hold bytes; false: one of them holds none.
func bytesOf(form url.Values, names ...string) (list [][]byte, ok bool) {
	for _, name := range names {
		b, err := unpadded.DecodeString(form.Get(name))
		if err != nil || len(b) == 0 {
			return nil, false
		}
		list = append(list, b)
	}
	return list, true
}

// keyChallenge is what a key is to sign for a sign-in whose password was right: good
// as long as its ticket, and once.
func (s *Server) keyChallenge(ticket string) string { return s.derived("passkey", ticket) }

// showsKey judges a key that is shown for a ticket, and tells how it counts; wrong
// ones are counted as wrong codes are.
// https://www.rfc-editor.org/rfc/rfc8176#section-2
func (s *Server) showsKey(ctx context.Context, principal, ticket string, form url.Values) (ok bool, method string, err error) {
	keys, err := s.store.Passkeys(ctx, s.Tenant, principal)
	if err != nil || len(keys) == 0 {
		return false, "", err
	}
	ok, err = s.counted(ctx, principal, func() (bool, error) {
		k, counter := s.keyShown(keys, s.keyChallenge(ticket), form)
		if k == nil {
			return false, nil
		}
		if method = "hwk"; k.Movable {
			method = "swk"
		}
		return s.store.UsePasskey(ctx, s.Tenant, principal, k.ID, counter, s.clock())
	})
	return ok, method, err
}

// keyShown is the one of keys that signed a challenge, and its new count; nil: none.
func (s *Server) keyShown(keys []*Passkey, challenge string, form url.Values) (*Passkey, uint32) {
	sent, ok := bytesOf(form, "credential", "client", "data", "signature")
	if !ok {
		return nil, 0
	}
	for _, k := range keys {
		if string(k.ID) != string(sent[0]) {
			continue
		}
		counter, err := s.party().Verify(challenge, &k.Credential, sent[1], sent[2], sent[3])
		if err == nil {
			return k, counter
		}
		s.Log.Warn("a security key was refused", "principal", k.Principal, "error", err)
	}
	return nil, 0
}

// passkeySlip is a challenge for a new key, of one session.
const passkeySlip SlipKind = "passkey"

// passkeyPage asks for a new key. The person has just shown who it is.
func (s *Server) passkeyPage(w http.ResponseWriter, r *http.Request) {
	x := s.recently(w, r)
	if x == nil {
		return
	}
	s.askPasskey(w, r, x, http.StatusOK, false)
}

func (s *Server) askPasskey(w http.ResponseWriter, r *http.Request, x *Session, status int, wrong bool) {
	ctx := r.Context()
	keys, err := s.store.Passkeys(ctx, s.Tenant, x.Principal)
	var challenge, options string
	full := len(keys) >= mostPasskeys
	if err == nil && !full {
		challenge, err = s.secret("")
	}
	if err == nil && !full {
		_, err = s.store.PutSlip(ctx, &Slip{Kind: passkeySlip, Hash: hashOf(challenge), Expires: s.clock().Add(enrolLife), Body: x.ID})
	}
	if err == nil && !full {
		options, err = s.makeOptions(challenge, x.Principal, x.Principal, keys)
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	s.page(w, status, "passkey", map[string]any{"Guard": s.accountGuard(x), "Challenge": challenge, "Options": options, "Wrong": wrong, "Full": full})
}

// addPasskey takes the new key.
func (s *Server) addPasskey(w http.ResponseWriter, r *http.Request) {
	x, _ := s.mine(w, r)
	if x == nil || s.recently(w, r) == nil {
		return
	}
	k, err := s.newPasskey(r.Context(), x, r.PostForm)
	fresh := false
	if err == nil && k != nil {
		fresh, err = s.store.PutPasskey(r.Context(), s.Tenant, k, mostPasskeys)
	}
	if err == nil && !fresh {
		s.askPasskey(w, r, x, http.StatusUnprocessableEntity, true)
		return
	}
	s.after(w, r, err, Event{Operation: "enrol-passkey", Principal: x.Principal})
}

// newPasskey judges what a form says of a new key; nil: it is none, or answers no
// challenge of this session.
func (s *Server) newPasskey(ctx context.Context, x *Session, form url.Values) (*Passkey, error) {
	challenge := form.Get("challenge")
	slip, err := s.store.Slip(ctx, passkeySlip, hashOf(challenge))
	if err != nil || slip == nil || slip.Body != x.ID || !s.clock().Before(slip.Expires) {
		return nil, err
	}
	first, err := s.store.UseSlip(ctx, passkeySlip, slip.Hash, s.clock())
	if err != nil || !first {
		return nil, err
	}
	keys, err := s.store.Passkeys(ctx, s.Tenant, x.Principal)
	sent, ok := bytesOf(form, "client", "attestation")
	if err != nil || !ok || len(keys) >= mostPasskeys {
		return nil, err
	}
	c, err := s.party().Register(challenge, sent[0], sent[1])
	if err != nil {
		s.Log.Warn("a new security key was refused", "principal", x.Principal, "error", err)
		return nil, nil
	}
	name := strings.TrimSpace(clipText(form.Get("name"), 60))
	if name == "" {
		name = "Key"
	}
	return &Passkey{Credential: *c, Principal: x.Principal, Name: name, Created: s.clock()}, nil
}

// removePasskey takes a key away: a lost one, for instance. Where everybody must have
// a second factor, the last one stays.
func (s *Server) removePasskey(w http.ResponseWriter, r *http.Request) {
	x, _ := s.mine(w, r)
	if x == nil || s.recentlyFor(w, r, "/oauth/account") == nil {
		return
	}
	ctx := r.Context()
	id, err := unpadded.DecodeString(r.PostForm.Get("key"))
	if err != nil {
		s.wrong(w, r, "The form cannot be read.", "表单无法读取。")
		return
	}
	keep := s.Provider.StepUp.Who == SecondRequired
	removed, err := s.store.RemovePasskey(ctx, s.Tenant, x.Principal, id, keep)
	if err == nil && !removed && keep && s.has(ctx, x.Principal, id) {
		s.wrong(w, r, "This is your last second factor, and one is needed here: enrol another one first.", "这是您最后一个第二验证因素，请先登记另一个。")
		return
	}
	s.after(w, r, err, Event{Operation: "remove-passkey", Principal: x.Principal})
}

// has tells whether a person has a key of an id.
func (s *Server) has(ctx context.Context, principal string, id []byte) bool {
	keys, err := s.store.Passkeys(ctx, s.Tenant, principal)
	return err == nil && slices.ContainsFunc(keys, func(k *Passkey) bool { return bytes.Equal(k.ID, id) })
}
