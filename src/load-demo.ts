import type { House } from './house.js';

/** Nothing yet. */
export const DEMO_VIEWERS = [{ id: '01900000-0000-7000-8000-000000000001', name: 'Ada' }] as const;
export const DEMO_ADMIN_ID = '01900000-0000-7000-8000-00000000000a';
export const DEMO_SERVICE_ID = '01900000-0000-7000-8000-00000000000b';
export async function loadDemo(_house: House): Promise<void> {}
