"use strict";
(() => {
  const form = document.getElementById("passkey"), wrong = document.getElementById("passkey-wrong");
  const text = bytes => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const bytes = text => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), c => c.charCodeAt(0));
  if (!window.PublicKeyCredential) return;
  document.getElementById("passkey-needs").hidden = true;
  form.hidden = false;
  form.addEventListener("submit", async event => {
    event.preventDefault();
    wrong.hidden = true;
    const o = JSON.parse(form.dataset.options), make = !!o.user;
    o.challenge = bytes(o.challenge);
    for (const c of o.allowCredentials || o.excludeCredentials) c.id = bytes(c.id);
    try {
      if (make) o.user.id = bytes(o.user.id);
      const made = await (make ? navigator.credentials.create({publicKey: o}) : navigator.credentials.get({publicKey: o})), r = made.response;
      form.client.value = text(r.clientDataJSON);
      if (make) {
        form.attestation.value = text(r.attestationObject);
      } else {
        form.credential.value = text(made.rawId);
        form.data.value = text(r.authenticatorData);
        form.signature.value = text(r.signature);
      }
      form.submit();
    } catch (e) {
      wrong.hidden = false;
    }
  });
})();
