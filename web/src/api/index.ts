export { createApi, type Api } from './api';
export { ApiError, type Fields } from './problem';
export { rootPath } from './root';
