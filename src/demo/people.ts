/** The demo viewers and staff. Their ids are fixed, so that examples and tokens stay valid. */
export const DEMO_VIEWERS = [
  { id: '01939c1e-0000-7000-9000-000000000001', name: 'Ada' },
  { id: '01939c1e-0000-7000-9000-000000000002', name: 'Ben' },
  { id: '01939c1e-0000-7000-9000-000000000003', name: 'Cleo' },
] as const;

export const DEMO_SERVICE_ID = '01939c1e-0000-7000-9000-000000000090';
export const DEMO_ADMIN_ID = '01939c1e-0000-7000-9000-000000000100';
