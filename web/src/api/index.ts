export { createApi, type Api } from './api';
export { ApiError, type Fields } from './problem';
export { homeRoom, rootPath } from './root';
