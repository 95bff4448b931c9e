import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';
import { ApiError, rootPath } from '../api';
import { Boundary } from '../ui/Boundary';
import { ToastProvider } from '../ui/Toasts';
import { BrokenPage } from './BrokenPage';
import { RoomRoutes } from './RoomRoutes';

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      refetchOnWindowFocus: false,
      // A browser that believes to be offline may still reach a server on its own machine: trying tells.
      networkMode: 'always',
      refetchOnReconnect: true,
      // What the server has decided it will decide again; only a lost or busy server is worth another try.
      retry: (failures, error) =>
        failures < 3 && error instanceof ApiError && (error.status === 0 || error.status >= 500),
    },
  },
});

const place = document.getElementById('root');
if (place === null) throw new Error('index.html has no #root');

createRoot(place).render(
  <StrictMode>
    <Boundary fallback={<BrokenPage />}>
      <QueryClientProvider client={queries}>
        <ToastProvider>
          <Router base={`${rootPath()}/app`}>
            <RoomRoutes />
          </Router>
        </ToastProvider>
      </QueryClientProvider>
    </Boundary>
  </StrictMode>,
);
