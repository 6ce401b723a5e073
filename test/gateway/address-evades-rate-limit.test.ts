import { afterEach, describe, expect, test } from '@jest/globals';
import { addressKey } from '../../src/gateway/graphql/address-key.js';
import { RawSocket } from '../live/socket-scene.js';
import { startGateway, stubServices } from './gateway-kit.js';

describe('the key that an address is counted by', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:51234', '203.0.113.7'],
    [' 203.0.113.7 ', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['0:0:0:0:0:ffff:cb00:7107', '203.0.113.7'],
    ['[::ffff:203.0.113.7]:443', '203.0.113.7'],
    ['::ffff:203.0.113.7%eth0', '203.0.113.7'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002:0000:0000:0000:0001', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::1]', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::1]:51234', '2001:db8:1:2::/64'],
    ['"[2001:db8:1:2::1]:51234"', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::192.0.2.1', '2001:db8:1:2::/64'],
    ['2001:db8:1:3::1', '2001:db8:1:3::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['fe80::2%25en1', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['', 'unknown'],
    ['unknown', 'unknown'],
    ['203.0.113', 'unknown'],
    ['203.0.113.256', 'unknown'],
    ['0313.0.0161.7', 'unknown'],
    ['3405803783', 'unknown'],
    ['2001:db8::1::2', 'unknown'],
    ['203.0.113.7:port', 'unknown'],
    ['[203.0.113.7', 'unknown'],
    ['<script>', 'unknown'],
    ['x'.repeat(16_000), 'unknown'],
    [`${'1.'.repeat(8_000)}:1`, 'unknown'],
  ])('of %j is %j', (address, key) => expect(addressKey(address)).toBe(key));
});

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function behindProxy(environment: Record<string, string>, services = stubServices()) {
  const kit = await startGateway({ services, environment: { TRUSTED_PROXY_COUNT: '1', ...environment } });
  stops.push(() => kit.stop());
  return kit;
}

/** Two ways to write one client, a second client, and what the proxy wrote in front of garbage that the client sent. */
const ONE_CLIENT: [name: string, forms: string[]][] = [
  ['an IPv6 network', ['2001:db8:9:9::1', '[2001:db8:9:9:a:b:c:d]:4711', 'forged, 2001:DB8:9:9::2']],
  ['an IPv4 address', ['198.51.100.4', '198.51.100.4:50123', '1.2.3.4, ::ffff:198.51.100.4', '[::ffff:c633:6404]:80']],
  ['garbage', ['nobody', '%00', 'x'.repeat(4_000), '; drop table']],
];

describe.each(ONE_CLIENT)('%s behind a trusted proxy', (_name, forms) => {
  test('is one client to the limit of addresses over HTTP, however it is written', async () => {
    const kit = await behindProxy({ RATE_LIMIT_ADDRESS_COUNT: '2' });
    const statusFrom = async (address: string) =>
      (await kit.post({ query: '{ __typename }' }, { 'x-forwarded-for': address })).status;
    const statuses = [];
    for (const form of forms) statuses.push(await statusFrom(form));
    expect(statuses).toEqual([200, 200, ...forms.slice(2).map(() => 429)]);
    expect(await statusFrom('192.0.2.200')).toBe(200);
  });

  test('is one client to the limit of addresses when it opens sockets', async () => {
    const kit = await behindProxy({ RATE_LIMIT_ADDRESS_COUNT: '2' });
    const refusals = [];
    for (const form of forms) {
      const headers = { 'x-forwarded-for': form };
      const socket = await RawSocket.bare(`${kit.url.replace('http', 'ws')}/graphql`, { headers });
      refusals.push(socket.refusedWith);
      socket.socket.terminate();
    }
    expect(refusals).toEqual([null, null, ...forms.slice(2).map(() => 429)]);
  });

  test('is one caller to the limit of reads without a token', async () => {
    const services = stubServices({ catalogue: { filmsByIds: async () => [] } });
    const kit = await behindProxy({ RATE_LIMIT_READS_COUNT: '2' }, services);
    const statuses = [];
    for (const form of forms) {
      statuses.push((await kit.post({ query: '{ film(id: "x") { id } }' }, { 'x-forwarded-for': form })).status);
    }
    expect(statuses).toEqual([200, 200, ...forms.slice(2).map(() => 429)]);
  });
});

test("Stripe's deliveries are never held back by the limit of addresses", async () => {
  const services = stubServices({ stripeInbox: { receive: async () => ({ outcome: 'STORED' }) } });
  const kit = await behindProxy({ RATE_LIMIT_ADDRESS_COUNT: '1' }, services);
  const deliver = () =>
    fetch(`${kit.url}/webhooks/stripe`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
  const statuses = [];
  for (let time = 0; time < 5; time++) statuses.push((await deliver()).status);
  expect(statuses).toEqual([200, 200, 200, 200, 200]);
});
