import { afterEach, describe, expect, it } from '@jest/globals';
import Fastify, { type FastifyInstance } from 'fastify';
import { InvalidToken } from '../../src/gateway/auth.js';
import { type PagesSettings, servePages } from '../../src/gateway/pages/pages.js';

const identity: PagesSettings['identity'] = {
  async identify(token) {
    if (token !== 'admins-token' && token !== 'viewers-token') throw new InvalidToken('Not a token of this app.');
    const role = token === 'admins-token' ? 'ADMIN' : 'VIEWER';
    return { caller: { userId: '01900000-0000-7000-8000-000000000001', role }, expiresAt: null };
  },
};
const demo: PagesSettings['demo'] = {
  viewers: [{ id: 'v1', name: 'Ada' }],
  adminId: 'a1',
  serviceId: 's1',
  tokenFor: async (userId, role) => `${role} ${userId}`,
};

describe('the pages for people', () => {
  let app: FastifyInstance;
  const serve = (settings: Omit<PagesSettings, 'identity' | 'secureCookies'> & { secureCookies?: boolean }) => {
    app = Fastify();
    servePages(app, { identity, secureCookies: false, ...settings });
  };
  const get = (url: string, headers: Record<string, string> = {}) => app.inject({ method: 'GET', url, headers });

  afterEach(() => app.close());

  it('load scripts from this server alone and cannot be framed', async () => {
    serve({ playground: 'open', demo });
    for (const address of ['/demo', '/playground/index.html', '/playground/sign-in']) {
      const { statusCode, headers, body } = await get(address);
      expect(statusCode).toBe(200);
      expect(headers['content-security-policy']).toContain("script-src 'self';");
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
      const files = [...body.matchAll(/(?:src|href)="([^"]+\.(?:js|css|svg))"/g)].map((match) => String(match[1]));
      expect(files.length).toBeGreaterThan(2);
      for (const file of files) expect([file, (await get(file)).statusCode]).toEqual([file, 200]);
      expect(body).not.toMatch(/<script>|<style>| on\w+="| style="/);
    }
    expect((await get('/demo')).headers['content-security-policy']).not.toContain('unsafe');
  });

  it('take who comes to the root to the demo, with the order that was paid', async () => {
    serve({ playground: 'off', demo });
    expect((await get('/?order=o1')).headers.location).toBe('/demo?order=o1');
  });

  it('are not there when switched off', async () => {
    serve({ playground: 'off' });
    for (const address of ['/', '/demo', '/demo/viewers', '/playground', '/playground/tokens', '/playground/index.html']) {
      expect([address, (await get(address)).statusCode]).toEqual([address, 404]);
    }
  });

  it('hand tokens to their own site only', async () => {
    serve({ playground: 'open', demo });
    expect((await get('/demo/viewers', { 'sec-fetch-site': 'same-origin' })).json()).toEqual([
      { id: 'v1', name: 'Ada', token: 'viewer v1' },
    ]);
    expect((await get('/playground/tokens')).json()).toEqual([
      { name: 'admin', token: 'admin a1' },
      { name: 'viewer', token: 'viewer v1' },
      { name: 'service', token: 'service s1' },
    ]);
    for (const site of ['cross-site', 'same-site']) {
      expect((await get('/demo/viewers', { 'sec-fetch-site': site })).statusCode).toBe(403);
      expect((await get('/playground/tokens', { 'sec-fetch-site': site })).json()).toEqual([]);
    }
  });

  it('hand out no tokens where the playground is for admins', async () => {
    serve({ playground: 'admins', demo });
    expect((await get('/playground/tokens')).json()).toEqual([]);
  });

  it("open the playground to an admin's token, and to no other", async () => {
    serve({ playground: 'admins' });
    const signIn = (authorization: string) =>
      app.inject({ method: 'POST', url: '/playground/session', headers: { authorization } });
    expect((await get('/playground')).headers.location).toBe('/playground/sign-in');
    for (const spelling of ['index.html', 'index%2Ehtml', '%69ndex.html?a', 'index.html;a']) {
      const { statusCode, headers } = await get(`/playground/${spelling}`);
      expect([spelling, headers.location ?? statusCode]).toEqual([spelling, expect.not.stringContaining('index')]);
      expect([spelling, statusCode]).not.toEqual([spelling, 200]);
    }
    expect((await get('/playground/index.html')).headers.location).toBe('/playground/sign-in');
    for (const refused of ['Bearer viewers-token', 'Bearer forged', 'Basic admins-token', '']) {
      const answer = await signIn(refused);
      expect([refused, answer.statusCode, answer.headers['set-cookie']]).toEqual([refused, 403, undefined]);
    }
    const { statusCode, headers } = await signIn('Bearer admins-token');
    expect(statusCode).toBe(204);
    expect(headers['set-cookie']).toMatch(/; Path=\/playground; HttpOnly; SameSite=Strict$/);
    const cookie = String(headers['set-cookie']).split(';')[0] ?? '';
    expect((await get('/playground', { cookie })).headers.location).toBe('/playground/index.html');
    expect((await get('/playground/index.html', { cookie })).statusCode).toBe(200);
    const [name] = cookie.split('=');
    expect((await get('/playground/index.html', { cookie: `${name}=viewers-token` })).statusCode).toBe(302);
  });

  it('set a cookie that browsers send over https only, whenever that is how people reach them', async () => {
    serve({ playground: 'admins', secureCookies: true });
    const headers = { authorization: 'Bearer admins-token' };
    const answer = await app.inject({ method: 'POST', url: '/playground/session', headers });
    expect(answer.headers['set-cookie']).toMatch(/; Path=\/playground; HttpOnly; SameSite=Strict; Secure$/);
  });
});
