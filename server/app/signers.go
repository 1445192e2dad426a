package app

import (
	"context"
	"crypto"

	"tenon/fhir/issue"
	"tenon/oauth"
	"tenon/server/ledger"
)

// maxFailures is how many wrong secrets in a row lock a signing key.
const maxFailures = 5

// signers unlocks signing keys: the sealed key lies in the store of oauth, the
// sealing is the ledger's. It also judges signatures by persons' own certificates
// (own.go).
type signers struct {
	store oauth.Store
	a     *App
}

// Unlock implements record.Signers.
func (s signers) Unlock(ctx context.Context, principal, secret string) (crypto.Signer, []byte, error) {
	held, err := s.store.Signer(ctx, principal)
	if err != nil {
		return nil, nil, err
	}
	if held == nil || len(held.Sealed) == 0 {
		return nil, nil, issue.Errorf(issue.Forbidden, "%s has no signing key. An administrator issues one.", principal).
			Rule("sign-no-key").Chinese("该用户尚无签名密钥。")
	}
	if held.Failures >= maxFailures {
		return nil, nil, issue.Errorf(issue.Forbidden, "The signing key of %s is locked after %d wrong secrets. An administrator unlocks it.", principal, maxFailures).
			Rule("sign-locked").Chinese("签名密钥已锁定，请联系管理员。")
	}
	key, err := ledger.OpenSigner(held.Sealed, secret)
	if countErr := s.store.SignerFailed(ctx, principal, err == nil); countErr != nil {
		return nil, nil, countErr
	}
	if err != nil {
		return nil, nil, issue.Errorf(issue.Forbidden, "The signing secret is wrong; nothing was signed.").
			Rule("sign-secret").Chinese("签名口令错误，未签名。")
	}
	return key, held.Certificate, nil
}
