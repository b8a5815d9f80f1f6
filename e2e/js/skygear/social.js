'use strict';
// Sign-in by a provider's token, linking, and what is refused, for the providers that the client knows: contracts/skygear.md 3.3.
// The token "<condition>-<id>" is that person's.

const {assert, check, flow, open, signedUp, fails} = require('./sdk');

const providers = ['google', 'facebook', 'linkedin', 'instagram'];

flow(async () => {
  for (const provider of providers) {
    await check(`${provider}: the same person is the same user`, async () => {
      const client = await open();
      const user = await client.auth.loginOAuthProviderWithAccessToken(provider, 'good-1');
      assert.equal(client.auth.currentUser.id, user.id);
      assert.equal((await client.auth.whoami()).id, user.id);
      const again = await (await open()).auth.loginOAuthProviderWithAccessToken(provider, 'good-1');
      assert.equal(again.id, user.id);
      const other = await (await open()).auth.loginOAuthProviderWithAccessToken(provider, 'good-2');
      assert.notEqual(other.id, user.id);
      assert.equal((await client.auth.getOAuthProviderProfiles())[provider].id ?? (await client.auth.getOAuthProviderProfiles())[provider].sub, '1');
    });

    await check(`${provider}: what is refused signs nobody in`, async () => {
      const client = await open();
      for (const [token, code] of [['expired-1', 105], ['revoked-1', 105], ['limited-1', 119], ['down-1', 119], ['', 108]]) {
        await fails(code, client.auth.loginOAuthProviderWithAccessToken(provider, token), code === 119 ? 504 : undefined);
      }
      assert.equal(client.auth.currentUser, null);
    });

    await check(`${provider}: an account is linked, seen and unlinked`, async () => {
      const client = await signedUp(`${provider}-ben`);
      await fails(108, client.auth.linkOAuthProviderWithAccessToken(provider, 'good-1')); // somebody else's
      await fails(105, client.auth.linkOAuthProviderWithAccessToken(provider, 'expired-3'));
      await client.auth.linkOAuthProviderWithAccessToken(provider, 'good-3');
      await fails(108, client.auth.linkOAuthProviderWithAccessToken(provider, 'good-4')); // a second one
      assert.deepEqual(Object.keys(await client.auth.getOAuthProviderProfiles()), [provider]);
      const other = await open();
      assert.equal((await other.auth.loginOAuthProviderWithAccessToken(provider, 'good-3')).username, `${provider}-ben`);
      await client.auth.unlinkOAuthProvider(provider);
      await fails(110, client.auth.unlinkOAuthProvider(provider));
      assert.deepEqual(await client.auth.getOAuthProviderProfiles(), {});
      assert.notEqual((await other.auth.loginOAuthProviderWithAccessToken(provider, 'good-3')).username, `${provider}-ben`);
    });
  }

  await check('nobody links without being signed in, and no provider is asked that the app does not have', async () => {
    const client = await open();
    await fails(101, client.auth.linkOAuthProviderWithAccessToken('google', 'good-1'));
    await fails(101, client.auth.unlinkOAuthProvider('google'));
    await fails(101, client.auth.getOAuthProviderProfiles());
    await fails(125, client.auth.loginOAuthProviderWithAccessToken('github', 'good-1'));
    await fails(125, client.auth.loginOAuthProviderWithAccessToken('nowhere', 'good-1'));
  });
});
