"""Where requests go in an invented house."""

from django.urls import path

from touchstone.portal import urls
from touchstone.portal.showing import views

urlpatterns = [
    *urls.urlpatterns,
    path("demo/become/<person>", views.become_person),
    path("demo/admit", views.admit_browser_key),
]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
told_early = urls.told_early
